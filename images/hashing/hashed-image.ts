/** An image that was hashed as a whole and piece by piece, in one pass. */
import type { FileHandle } from 'node:fs/promises';
import { pieceLengthOf } from '../../model/image-pieces.ts';
import type { HashResult } from '../../model/verification.ts';
import { Digester, sha256Of } from './digester.ts';

export type HashedImage = Pick<HashResult, 'sha256' | 'pieces'> & { readonly sha256: string };

/** @param hashes of the pieces; empty where the file is not longer than one */
export function hashedImage(
  size: number,
  sha256: string,
  hashes: string,
  length = pieceLengthOf(size),
): HashedImage {
  if (size === 0) return { sha256 };
  return { sha256, pieces: { size, length, hashes: hashes === '' ? sha256 : hashes } };
}

/**
 * As fast as it goes.
 * @param length bytes of a piece; default: by the size of the file
 * @throws ImageError when the file cannot be read; the signal's reason when aborted
 */
export async function hashImage(
  file: FileHandle,
  signal: AbortSignal,
  length?: number,
): Promise<HashedImage> {
  const { size } = await file.stat();
  const pieceLength = length ?? pieceLengthOf(size);
  const digester = new Digester({ file, algorithms: ['SHA-256'], signal, pieceLength });
  try {
    digester.grown(size);
    const digests = await digester.finish();
    return hashedImage(size, sha256Of(digests), digester.pieceHashes, pieceLength);
  } finally {
    await digester.close();
  }
}
