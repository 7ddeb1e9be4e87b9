/** Looks for an image of the copy that was published before the attempt began. */
import { formatChecksum, parseChecksum } from '../../model/checksum.ts';
import { ImageError } from '../../model/failures.ts';
import { digestsOf, sha256Of } from '../hashing/digester.ts';
import { inspectFile } from '../inspect/inspect.ts';
import type { DownloadDeps, DownloadedImage, DownloadRequest } from './download-request.ts';
import type { ProgressMeter } from './progress-meter.ts';
import { algorithmsOf } from './verify.ts';

/**
 * Returns the image of a published file whose hash is known: either this host noted it before publishing the file, or
 * it was registered. Any other file stays untouched until the attempt publishes, when there is an image to compare it
 * with.
 * @returns undefined when no file, or one of an unknown hash, has the final name
 */
export async function existingCopy(
  request: DownloadRequest,
  deps: DownloadDeps,
  meter: ProgressMeter,
): Promise<DownloadedImage | undefined> {
  const { pool, copyId, signal } = request;
  const stored = await pool.openPublished(copyId);
  if (stored === undefined) return undefined;
  const { file } = stored;
  try {
    const { size } = await file.stat();
    const wanted = await acceptableHashes(size, request, deps);
    if (wanted.length === 0) return undefined;
    meter.phase('verifying', { total: size, bytes: 0 });
    const digests = await digestsOf(file, size, {
      algorithms: algorithmsOf(request),
      signal,
      onRead: (count) => meter.addReused(count),
    });
    if (![...digests.values()].some((found) => wanted.includes(formatChecksum(found)))) return undefined;
    const { format: _format, ...found } = await inspectFile(file, request.format, deps.limits);
    await pool.removeParts(copyId);
    const sha256 = sha256Of(digests);
    const noted = await deps.ledger.imageOf(copyId);
    const lineage = noted?.sha256 === sha256 ? noted.lineage : undefined;
    return {
      ...(await stored.facts()),
      sha256,
      ...(lineage === undefined ? {} : { lineage }),
      ...found,
      fetched: 0,
      tries: [],
    };
  } catch (error) {
    // The registered hash is that of the file as transferred, which may be packed and so be no image.
    if (error instanceof ImageError && error.class === 'content') return undefined;
    throw error;
  } finally {
    await file.close();
  }
}

/** Hashes (`{ALG}hex`) by which a file of this size is accepted as the image. */
async function acceptableHashes(
  size: number,
  { copyId, checksum, size: registered }: DownloadRequest,
  { ledger }: DownloadDeps,
): Promise<readonly string[]> {
  const noted = await ledger.imageOf(copyId);
  const wanted: string[] = [];
  if (noted?.size === size) wanted.push(formatChecksum({ algorithm: 'SHA-256', hex: noted.sha256 }));
  if (checksum !== undefined && [0, size].includes(registered)) {
    wanted.push(formatChecksum(parseChecksum(checksum)));
  }
  return wanted;
}
