/** What can be wrong with a packed file. */
import { ImageError } from '../../model/failures.ts';

export const damaged = (sentence: string, cause?: unknown): ImageError =>
  new ImageError('DamagedArchive', `the compressed file ${sentence}`, cause === undefined ? {} : { cause });

export const hostile = (sentence: string): ImageError =>
  new ImageError('HostileArchive', `the compressed file ${sentence}`);
