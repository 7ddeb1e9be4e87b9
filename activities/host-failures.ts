/** What errors on a host mean to the workflow that waits for the job. */
import { diskError } from '../images/files.ts';
import { ImageError } from '../model/failures.ts';
import { activitySignal, applicationFailure } from './context.ts';

const MESSAGE_LENGTH = 500;

/** Every error as one of the kinds that the deployment knows what to do about. */
export function asImageError(error: unknown): ImageError {
  const known = diskError(error);
  if (known instanceof ImageError) return known;
  const told = (error instanceof Error ? error.message : String(error)).slice(0, MESSAGE_LENGTH);
  if (typeof (error as NodeJS.ErrnoException | undefined)?.errno === 'number') {
    return new ImageError('DiskBroken', `a file of the pool cannot be used (${told})`, { cause: error });
  }
  return new ImageError('HostFault', `the host worker met an error of its own (${told})`, { cause: error });
}

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
