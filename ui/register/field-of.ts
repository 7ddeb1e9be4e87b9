/** Which field of the form a refusal is about. */
import { type ApiFailure, parameterOf } from '../api/client.ts';

export type Field =
  | 'name'
  | 'displaytext'
  | 'url'
  | 'format'
  | 'checksum'
  | 'details'
  | 'zoneids'
  | 'ostypeid'
  | 'hypervisor'
  | 'directdownload';

const FIELDS: Readonly<Record<string, Field>> = {
  name: 'name',
  displaytext: 'displaytext',
  url: 'url',
  format: 'format',
  checksum: 'checksum',
  details: 'details',
  zoneid: 'zoneids',
  zoneids: 'zoneids',
  ostypeid: 'ostypeid',
  hypervisor: 'hypervisor',
  directdownload: 'directdownload',
};

/** The API names the parameter first; what a host found wrong is about the URL. */
export function fieldOf(refusal: Pick<ApiFailure, 'message' | 'code'>): Field | undefined {
  const { message, code } = refusal;
  const named = parameterOf(refusal);
  if (named !== undefined && FIELDS[named] !== undefined) return FIELDS[named];
  return code === 431 || code === 530 || /https?:|nfs:|checksum/i.test(message) ? 'url' : undefined;
}
