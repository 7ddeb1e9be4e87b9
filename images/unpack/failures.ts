/** The two errors of packed files: damaged, and hostile (well-formed, but not to be unpacked). */
import { ImageError } from '../../model/failures.ts';

export const damaged = (sentence: string, cause?: unknown): ImageError =>
  new ImageError('DamagedArchive', `the compressed file ${sentence}`, cause === undefined ? {} : { cause });

export const hostile = (sentence: string): ImageError =>
  new ImageError('HostileArchive', `the compressed file ${sentence}`);
