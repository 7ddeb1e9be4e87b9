/** What any error of a download or a probe means. */
import { ImageError } from '../model/failures.ts';
import { diskError } from './files.ts';

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
