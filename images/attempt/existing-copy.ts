/**
 * Looks for an image of the copy that was published before the attempt began: under the copy's own name, or under that of
 * another copy of the template which this host published on the pool. The database knows no such other copy, since it has one
 * row for a template and a pool: it was restored to an earlier moment, or it had forgotten the pool with its host. The file
 * keeps its old name as well, since the disk of a virtual machine may refer to it.
 */
import { formatChecksum, parseChecksum } from '../../model/checksum.ts';
import { ImageError } from '../../model/failures.ts';
import { digestsOf, sha256Of } from '../hashing/digester.ts';
import { inspectFile } from '../inspect/inspect.ts';
import type { NotedImage } from '../pools/ledger.ts';
import type { StoredFacts, StoredImage } from '../pools/pool.ts';
import type { DownloadDeps, DownloadedImage, DownloadRequest } from './download-request.ts';
import type { ProgressMeter } from './progress-meter.ts';
import { algorithmsOf } from './verify.ts';

/**
 * Returns the image of a published file whose hash is known: either this host noted it before publishing the file, or
 * it was registered. Any other file stays untouched until the attempt publishes, when there is an image to compare it
 * with.
 * @returns undefined when there is no such file
 */
export async function existingCopy(
  request: DownloadRequest,
  deps: DownloadDeps,
  meter: ProgressMeter,
): Promise<DownloadedImage | undefined> {
  const { pool, copyId, templateId } = request;
  const own = await pool.openPublished(copyId);
  if (own !== undefined) return accept(own, copyId, { request, deps, meter });
  for (const otherId of await deps.ledger.copiesOf(templateId)) {
    // What is irregular under the name of another copy does not concern this one.
    const other = await pool.openPublished(otherId).catch(() => undefined);
    const image = other && (await accept(other, otherId, { request, deps, meter }));
    if (image !== undefined) return image;
  }
  return undefined;
}

interface Looking {
  readonly request: DownloadRequest;
  readonly deps: DownloadDeps;
  readonly meter: ProgressMeter;
}

/** @param storedId the copy that gave the file its name */
async function accept(
  stored: StoredImage,
  storedId: string,
  { request, deps, meter }: Looking,
): Promise<DownloadedImage | undefined> {
  const { pool, copyId, signal } = request;
  const { file } = stored;
  try {
    const { size } = await file.stat();
    const noted = await deps.ledger.imageOf(storedId);
    const wanted = acceptableHashes(size, request, noted);
    if (wanted.length === 0) return undefined;
    meter.phase('verifying', { total: size, bytes: 0 });
    const digests = await digestsOf(file, size, {
      algorithms: algorithmsOf(request),
      signal,
      onRead: (count) => meter.addReused(count),
    });
    if (![...digests.values()].some((found) => wanted.includes(formatChecksum(found)))) return undefined;
    const { format: _format, ...found } = await inspectFile(file, request.format, deps.limits);
    const sha256 = sha256Of(digests);
    const image = { sha256, ...(noted?.sha256 === sha256 ? knownOrigin(noted) : {}) };
    const facts =
      storedId === copyId
        ? await stored.facts()
        : await takeOver(stored, { ...image, size }, { request, deps });
    if (facts === undefined) return undefined;
    await pool.removeParts(copyId);
    const { origin: _origin, ...identity } = image;
    return { ...facts, ...identity, ...found, fetched: 0, tries: [] };
  } catch (error) {
    // The registered hash is that of the file as transferred, which may be packed and so be no image.
    if (error instanceof ImageError && error.class === 'content') return undefined;
    throw error;
  } finally {
    await file.close();
  }
}

const knownOrigin = ({ lineage, origin }: NotedImage): Pick<NotedImage, 'lineage' | 'origin'> => ({
  ...(lineage === undefined ? {} : { lineage }),
  ...(origin === undefined ? {} : { origin }),
});

/** Gives the file of another copy the name of the requested one. @returns undefined when that is not possible */
async function takeOver(
  stored: StoredImage,
  image: Omit<NotedImage, 'templateId'>,
  { request, deps }: Omit<Looking, 'meter'>,
): Promise<StoredFacts | undefined> {
  const { copyId, templateId, pool } = request;
  await deps.ledger.noteImage(copyId, { ...image, templateId });
  return pool.publishAgain(stored, copyId);
}

/** Hashes (`{ALG}hex`) by which a file of this size is accepted as the image. */
function acceptableHashes(
  size: number,
  { checksum, size: registered }: DownloadRequest,
  noted: NotedImage | undefined,
): readonly string[] {
  const wanted: string[] = [];
  if (noted?.size === size) wanted.push(formatChecksum({ algorithm: 'SHA-256', hex: noted.sha256 }));
  if (checksum !== undefined && [0, size].includes(registered)) {
    wanted.push(formatChecksum(parseChecksum(checksum)));
  }
  return wanted;
}
