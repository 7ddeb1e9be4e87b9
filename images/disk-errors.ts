/** Failures of a pool's disk. */
import { ImageError } from '../model/failures.ts';
import type { FailureKind } from '../model/failures.ts';
import { errnoOf } from '../platform/errno.ts';

const DISK: Readonly<Record<string, readonly [FailureKind, string]>> = {
  ENOSPC: ['NoSpace', 'no space is left on the pool'],
  EDQUOT: ['NoSpace', 'the quota of the pool is used up'],
  EIO: ['DiskBroken', 'the disk of the pool gives input/output errors'],
  EROFS: ['DiskBroken', 'the file system of the pool is read-only'],
  EFBIG: ['DiskBroken', 'the file system of the pool cannot hold a file of this size'],
  ESTALE: ['DiskBroken', 'the pool was exported anew and must be mounted again'],
  ENODEV: ['DiskBroken', 'the disk of the pool is gone'],
  ENXIO: ['DiskBroken', 'the disk of the pool is gone'],
  EACCES: ['DiskBroken', 'the host worker may not write on the pool'],
  EPERM: ['DiskBroken', 'the host worker may not write on the pool'],
};

/** Maps an error of the file system to a failure; returns other errors unchanged. */
export function diskError(error: unknown): unknown {
  const known = DISK[errnoOf(error) ?? ''];
  if (known === undefined || error instanceof ImageError) return error;
  return new ImageError(known[0], known[1], { cause: error });
}

/** The failure for a read beyond the end of a file that was longer before. */
export const becameShorter = (): ImageError =>
  new ImageError('DiskBroken', 'a file of the pool became shorter while it was read');
