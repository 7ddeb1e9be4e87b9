/** Failures of the threads that hash. */
import { ImageError } from '../../model/failures.ts';
import { diskError } from '../disk-errors.ts';

/** @param work what the thread did, such as `computes checksums` */
export const threadEnded = (work: string, error?: Error): ImageError =>
  new ImageError(
    'HostFault',
    `the thread that ${work} ended${error === undefined ? '' : ` (${error.message})`}`,
    error === undefined ? {} : { cause: error },
  );

/** The failure for an error of reading, as a thread sends it. */
export function unreadable({
  code,
  message,
}: {
  readonly code: string | undefined;
  readonly message: string;
}): Error {
  const error = Object.assign(new Error(message), code === undefined ? {} : { code });
  const known = diskError(error);
  if (known instanceof ImageError) return known;
  return new ImageError('DiskBroken', `a file of the pool cannot be read (${message})`, { cause: error });
}
