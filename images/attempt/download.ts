/** One attempt to bring an image onto a pool, in six stages: adopt, fetch, verify, unpack, inspect, publish. */
import { ImageError } from '../../model/failures.ts';
import type { Healing } from '../../model/image-pieces.ts';
import type { Try } from '../../model/payloads.ts';
import { displayUrl } from '../../model/url.ts';
import { fetchFile } from '../fetch/fetch-file.ts';
import type { PieceHashes } from '../fetch/piece-hashes.ts';
import { sha256Of } from '../hashing/digester.ts';
import { diskError } from '../disk-errors.ts';
import { limitsFor } from '../inspect/limits.ts';
import type { Part } from '../pools/pool.ts';
import { adopt } from './adopt.ts';
import type { DownloadDeps, DownloadedImage, DownloadRequest } from './download-request.ts';
import { confirm } from './confirm.ts';
import { existingCopy } from './existing-copy.ts';
import { DownloadFailed } from './download-failed.ts';
import { fetchTask } from './fetch-task.ts';
import { follow } from './followers.ts';
import { asPublished, damagedFile, hasOtherPieces, healingOf, piecesOf } from './healing.ts';
import { inspect } from './inspect.ts';
import { refetchMetalink } from './metalink-refetch.ts';
import { failureOfAttempt, newPeerAttempt, noteGivers, tryOfAttempt } from './peer-failures.ts';
import type { PeerAttempt } from './peer-failures.ts';
import { ProgressMeter } from './progress-meter.ts';
import { publish } from './publish.ts';
import { unpack } from './unpack.ts';
import { verify } from './verify.ts';
import { wayOf } from './way.ts';
import type { Way } from './way.ts';

export type { DownloadDeps, DownloadedImage, DownloadRequest } from './download-request.ts';

/**
 * Downloads an image, continuing from bytes of earlier attempts. A copy that is published already is returned
 * unchanged.
 * @throws DownloadFailed; the signal's reason when aborted
 */
export async function download(request: DownloadRequest, given: DownloadDeps): Promise<DownloadedImage> {
  const deps = { ...given, limits: limitsFor(request.checksum, given.limits) };
  const tries: Try[] = [];
  const attempt = newPeerAttempt(request);
  const meter = new ProgressMeter((progress) => request.onProgress(progress), {
    total: request.size,
    source: displayUrl(request.url),
  });
  try {
    request.signal.throwIfAborted();
    await request.pool.check();
    return (
      (await existingCopy(request, deps, meter)) ?? (await newCopy(request, deps, { meter, tries, attempt }))
    );
  } catch (error) {
    request.signal.throwIfAborted();
    const failure = diskError(error);
    if (!(failure instanceof ImageError)) throw failure;
    throw new DownloadFailed(failureOfAttempt(failure, attempt), tries);
  } finally {
    meter.stop();
  }
}

interface Reporting {
  readonly meter: ProgressMeter;
  /** Each try is appended when it ends. */
  readonly tries: Try[];
  readonly attempt: PeerAttempt;
}

async function newCopy(
  given: DownloadRequest,
  deps: DownloadDeps,
  reporting: Reporting,
): Promise<DownloadedImage> {
  const source = await withMetalink(given, deps);
  const healing = healingOf(given);
  if (healing === undefined) return bringWhole(source, deps, reporting);
  try {
    return { ...(await bring(source, deps, reporting, healing)), pieces: 'right' };
  } catch (error) {
    // Another host that gives wrong pieces is not asked for all of them.
    if (!isWrong(error) || given.peer !== undefined) throw error;
    const remark = `the damaged copy could not be healed piece by piece: ${error.message}`;
    return bringWhole({ ...source, remarks: [...source.remarks, remark] }, deps, reporting);
  }
}

/** Brings the image without what is right of a damaged file. */
async function bringWhole(
  source: KnownSource,
  deps: DownloadDeps,
  reporting: Reporting,
): Promise<DownloadedImage> {
  const image = await bring(source, deps, reporting);
  const isOther = await hasOtherPieces(source.request, image);
  return isOther ? { ...image, pieces: 'wrong' } : image;
}

const isWrong = (error: unknown): error is ImageError =>
  error instanceof ImageError && !error.consequences.keepsBytes;

/** @param healing what is right of the damaged file is used */
async function bring(
  source: KnownSource,
  deps: DownloadDeps,
  reporting: Reporting,
  healing?: Healing,
): Promise<DownloadedImage> {
  const known = healing === undefined ? source : asPieces(source, healing);
  const { request } = known;
  const way = wayOf(request, deps);
  const damaged = await damagedFile(request, deps, healing);
  const admission = known.pieces !== undefined;
  const part = await adopt(request, deps, reporting.meter, { admission, damaged });
  try {
    const proven = healing === undefined ? way : asPublished(way, healing);
    return await fillPart(part, { ...known, way: proven }, deps, reporting);
  } catch (error) {
    const isSpent = healing !== undefined && isWrong(error);
    if (isSpent || isUseless(part, error)) await part.remove().catch(() => undefined);
    throw error;
  } finally {
    await part.close();
  }
}

async function fillPart(
  part: Part,
  { request, pieces, remarks, way }: KnownSource & { readonly way: Way },
  deps: DownloadDeps,
  reporting: Reporting,
): Promise<DownloadedImage> {
  const { meter, tries, attempt } = reporting;
  const { checksum, parent } = way;
  const followers = follow(part, { ...request, checksum }, deps, pieces);
  const shared = deps.copies?.share(request.copyId, part);
  const { digester, unpacker, hasher } = followers;
  const onTry = (ended: Try): void => {
    const told = tryOfAttempt(ended, attempt);
    tries.push(told);
    request.onTry?.(told);
  };
  try {
    const task = fetchTask(request, deps, { way, part, pieces, hasher, meter, remarks, onTry });
    const image = await fetchFile(task, async () => {
      try {
        noteGivers(attempt, part.provenance);
        const digests = await verify(part, digester, checksum, meter);
        await confirm(part, sha256Of(digests), way, request);
        attempt.proven = true;
        const unpacked = await unpack(part, unpacker, meter);
        return await inspect(part, digests, unpacked, { format: request.format, limits: deps.limits ?? {} });
      } catch (error) {
        throw diskError(error);
      }
    });
    shared?.know(image.sha256);
    const published = await publish(part, image, request, reporting);
    if (image.file === part.file) shared?.published();
    return parent === undefined ? published : { ...published, fromPeers: published.fetched };
  } finally {
    await shared?.close();
    await followers.close();
  }
}

/** No later attempt can use an empty part, nor the part of an attempt that was superseded. */
const isUseless = (part: Part, error: unknown): boolean =>
  part.heldBytes === 0 || (error instanceof ImageError && error.kind === 'HostGone');

const QUERIES_ARE_GONE =
  'the metalink could not be read again, or gives other URLs now, and the queries of its URLs are kept nowhere else';

const asPieces = (source: KnownSource, healing: Healing): KnownSource => ({
  ...source,
  request: asPublished(source.request, healing),
  pieces: piecesOf(healing),
});

interface KnownSource {
  readonly request: DownloadRequest;
  /** Hashes of the file's pieces, if known. */
  readonly pieces: PieceHashes | undefined;
  readonly remarks: readonly string[];
}

/**
 * Reads a metalink again: the request gets the complete URLs of its mirrors, the download gets hashes of pieces and
 * remarks.
 */
async function withMetalink(given: DownloadRequest, deps: DownloadDeps): Promise<KnownSource> {
  const remarks: string[] = [];
  // Another host gives the bytes, and the origin is left alone.
  if (given.peer !== undefined) return { request: given, pieces: undefined, remarks };
  const { pieces, mirrors } = await refetchMetalink(given, deps, (sentence) => remarks.push(sentence));
  if (mirrors.length === 0 && given.mirrors.length > 0) {
    throw new ImageError('MetalinkInvalid', QUERIES_ARE_GONE);
  }
  return { request: { ...given, mirrors }, pieces, remarks };
}
