/** Which field of the form a refusal is about. */
import { parameterOf } from '../api/client.ts';

export const FIELDS = [
  'url',
  'format',
  'checksum',
  'name',
  'displaytext',
  'hypervisor',
  'ostypeid',
  'directdownload',
  'zoneids',
  'details',
] as const;
export type Field = (typeof FIELDS)[number];

/** ISOs are registered with `zoneid`, templates with `zoneids`: the form has one field for both. */
export function fieldOf(refusal: Error): string | undefined {
  const parameter = parameterOf(refusal);
  return parameter === 'zoneid' ? 'zoneids' : parameter;
}
