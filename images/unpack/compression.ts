/** Recognises packed files, by their first bytes and never by their names. */
import { compressions } from '../../model/source.ts';
import type { Compression } from '../../model/source.ts';
import { ImageError } from '../../model/failures.ts';
import { matchFormats } from '../inspect/format.ts';

/**
 * @param head the first 64 KiB, or all when the file is shorter
 * @returns undefined when the file is not packed, is packed in an unknown way, or matches another format too
 */
export function compressionOf(head: Buffer): Compression | undefined {
  const [first, ...others] = matchFormats(head).filter(({ family }) => family !== 'plain');
  return others.length === 0 ? compressions.find((known) => known === first?.format) : undefined;
}

/** Prefixes an inspection error with the compression, so that the reader knows that it is about the unpacked file. */
export function unpackedFrom(compression: Compression, error: unknown): unknown {
  if (!(error instanceof ImageError)) return error;
  return new ImageError(error.kind, `unpacked from ${compression}, ${error.message}`, { cause: error });
}
