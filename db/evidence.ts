/** Evidence of inspections, as it is stored. */
import type { ImageEvidence } from '../model/evidence.ts';
import { imageEvidence } from '../model/messages/evidence.ts';
import { read } from '../model/messages/schema.ts';

/** @returns JSON; null where there is none, or it is none that this release can show */
export function evidenceRow(given: ImageEvidence | undefined): string | null {
  const { value } = read(imageEvidence, given);
  return value === undefined ? null : JSON.stringify(value);
}
