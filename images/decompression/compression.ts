/** Which files are unpacked, told by their first bytes and never by their names. */
import { compressions } from '../../model/source.ts';
import type { Compression } from '../../model/source.ts';
import { ImageError } from '../../model/failures.ts';
import { matchFormats } from '../inspection/format.ts';

/**
 * @param head the first 64 KiB, or all when the file is shorter
 * @returns undefined when the file is not packed, is packed in an unknown way, or is something else at the same time
 */
export function compressionOf(head: Buffer): Compression | undefined {
  const [first, ...others] = matchFormats(head).filter(({ family }) => family !== 'plain');
  return others.length === 0 ? compressions.find((known) => known === first?.format) : undefined;
}

/** What an inspection says of an unpacked file is told as such. */
export function unpackedFrom(compression: Compression, error: unknown): unknown {
  if (!(error instanceof ImageError)) return error;
  return new ImageError(error.kind, `unpacked from ${compression}, ${error.message}`, { cause: error });
}
