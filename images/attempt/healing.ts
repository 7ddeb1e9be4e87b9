/**
 * Healing of a damaged copy. The part of such an attempt begins with the bytes of the damaged file, which is only read. Each
 * piece that has its hash is admitted, and each other one is fetched, as any piece that came wrong is. Then the file passes the stages of every
 * download; the SHA-256 of the image that was published is its checksum.
 */
import { pieceHashesOf } from '../../model/image-pieces.ts';
import type { Healing } from '../../model/image-pieces.ts';
import type { PieceHashes } from '../fetch/piece-hashes.ts';
import { DAMAGED_COPY } from '../fetch/sink.ts';
import type { DamagedFile } from '../pools/pool.ts';
import { hashImage } from '../hashing/hashed-image.ts';
import type { DownloadDeps, DownloadedImage, DownloadRequest } from './download-request.ts';

/** @returns undefined where the source does not give the bytes of the image, so that no piece of it can be fetched */
export const healingOf = ({ healing, peer }: DownloadRequest): Healing | undefined =>
  healing?.packed === true && peer === undefined ? undefined : healing;

/** What a way gives is the image that was published. */
export const asPublished = <T extends { readonly size: number; readonly checksum?: string | undefined }>(
  given: T,
  { sha256, pieces }: Healing,
): T => ({ ...given, size: pieces.size, checksum: `{SHA-256}${sha256}` });

export const piecesOf = ({ pieces }: Healing): PieceHashes => ({
  algorithm: 'SHA-256',
  length: pieces.length,
  hashes: pieceHashesOf(pieces),
});

/**
 * Whether the image that was published, brought as a whole, has other pieces than the hashes say. It says nothing of them where
 * the file cannot be read.
 */
export async function hasOtherPieces(
  { healing, pool, copyId, signal }: DownloadRequest,
  { sha256, size }: Pick<DownloadedImage, 'sha256' | 'size'>,
): Promise<boolean> {
  if (healing === undefined || healing.sha256 !== sha256) return false;
  const { pieces } = healing;
  if (pieces.size !== size) return true;
  const stored = await pool.openPublished(copyId).catch(() => undefined);
  if (stored === undefined) return false;
  try {
    const found = await hashImage(stored.file, signal, pieces.length);
    return found.sha256 === sha256 && found.pieces?.hashes !== pieces.hashes;
  } catch {
    return false;
  } finally {
    await stored.file.close();
  }
}

/** @param healing undefined where the bytes of the damaged file are of no use */
export async function damagedFile(
  request: DownloadRequest,
  { ledger }: Pick<DownloadDeps, 'ledger'>,
  healing: Healing | undefined,
): Promise<DamagedFile | undefined> {
  if (request.healing === undefined) return undefined;
  const unused = request.healing.unused === true;
  if (healing === undefined) return { unused };
  const { sha256, lineage } = (await ledger.imageOf(request.copyId)) ?? {};
  const provenance = {
    url: DAMAGED_COPY,
    finalUrl: DAMAGED_COPY,
    total: healing.pieces.size,
    ...(sha256 === healing.sha256 && lineage !== undefined ? { lineage } : {}),
    givers: [DAMAGED_COPY],
  };
  return { unused, provenance };
}
