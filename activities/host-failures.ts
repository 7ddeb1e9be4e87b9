/** What errors on a host mean to the workflow that waits for the job. */
import { asImageError } from '../images/as-image-error.ts';
import type { ImageError } from '../model/failures.ts';
import { activitySignal, applicationFailure } from './context.ts';

/** Runs a job; what it throws is told in the workflow's words, and in full to the log of the host. */
export async function translated<T>(report: (error: ImageError) => void, work: () => Promise<T>): Promise<T> {
  const signal = activitySignal();
  try {
    return await work();
  } catch (error) {
    signal.throwIfAborted();
    const failure = asImageError(error);
    report(failure);
    throw applicationFailure(failure.toFailure());
  }
}
