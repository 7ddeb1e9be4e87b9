/** Maps any error of a download or a probe to a kind of failure that deployments have a rule for. */
import { ImageError } from '../model/failures.ts';
import { diskError } from './disk-errors.ts';

const MESSAGE_LENGTH = 500;

/** The failure that an error means. Unknown system errors count as a broken disk, all others as a fault of the host. */
export function classifyError(error: unknown): ImageError {
  const known = diskError(error);
  if (known instanceof ImageError) return known;
  const message = (error instanceof Error ? error.message : String(error)).slice(0, MESSAGE_LENGTH);
  if (typeof (error as NodeJS.ErrnoException | undefined)?.errno === 'number') {
    return new ImageError('DiskBroken', `a file of the pool cannot be used (${message})`, { cause: error });
  }
  return new ImageError('HostFault', `the host worker met an error of its own (${message})`, {
    cause: error,
  });
}
