/** What an inspection found, as the API shows it. */
import type { ImageEvidence } from '../model/evidence.ts';

export type Verdict = 'accepted' | 'refused';

/** With names in lower case, as CloudStack writes them. */
export const inspectionShown = (
  evidence: ImageEvidence | null,
  verdict: Verdict,
): Readonly<Record<string, unknown>> | undefined =>
  evidence === null ? undefined : { verdict, ...namedInLowerCase(evidence) };

const namedInLowerCase = (given: object): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(given).map(([name, value]) => [name.toLowerCase(), shown(value)]));

function shown(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shown);
  return typeof value === 'object' && value !== null ? namedInLowerCase(value) : value;
}
