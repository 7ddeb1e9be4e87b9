/** An image error that carries evidence: what the inspection saw of the refused file. */
import type { ImageEvidence } from '../model/evidence.ts';
import { ImageError } from '../model/failures.ts';

export class ImageRefused extends ImageError {
  readonly evidence: ImageEvidence;

  constructor(failure: ImageError, evidence: ImageEvidence) {
    super(failure.kind, failure.message, { cause: failure });
    this.evidence = evidence;
  }
}

/** Attaches evidence to an image error; other errors stay as they are. */
export const withEvidence = (error: unknown, evidence: ImageEvidence): unknown =>
  error instanceof ImageError ? new ImageRefused(error, evidence) : error;

/** The evidence of a failure, also when the failure was wrapped since; undefined when it has none. */
export function evidenceOf(failure: unknown): ImageEvidence | undefined {
  for (let error = failure; error instanceof Error; error = error.cause) {
    if (error instanceof ImageRefused) return error.evidence;
  }
  return undefined;
}
