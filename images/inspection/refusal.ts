/** Refusals, with what was seen of the file. */
import type { ImageEvidence } from '../../model/evidence.ts';
import { ImageError } from '../../model/failures.ts';

export class ImageRefused extends ImageError {
  readonly evidence: ImageEvidence;

  constructor(failure: ImageError, evidence: ImageEvidence) {
    super(failure.kind, failure.message, { cause: failure });
    this.evidence = evidence;
  }
}

export const refused = (error: unknown, evidence: ImageEvidence): unknown =>
  error instanceof ImageError ? new ImageRefused(error, evidence) : error;

/** What was seen of the file that a failure is about, however often it was wrapped since. */
export function evidenceOf(failure: unknown): ImageEvidence | undefined {
  for (let error = failure; error instanceof Error; error = error.cause) {
    if (error instanceof ImageRefused) return error.evidence;
  }
  return undefined;
}
