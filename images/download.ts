/** One attempt to bring an image onto a pool: fetch or go on fetching, verify, inspect, publish. */
import type { FileHandle } from 'node:fs/promises';
import { parseChecksum } from '../model/checksum.ts';
import type { ChecksumAlgorithm } from '../model/checksum.ts';
import { ImageError } from '../model/failures.ts';
import type { Try } from '../model/payloads.ts';
import type { Mirror } from '../model/source.ts';
import { displayUrl } from '../model/url.ts';
import { adopt } from './adopt.ts';
import { Unpacker } from './decompression/unpacker.ts';
import { Digester } from './digester.ts';
import type { DownloadDeps, DownloadedImage, DownloadRequest } from './download-request.ts';
import { fetchFrom } from './fetch-mirror.ts';
import { diskError } from './files.ts';
import { refetchPieces } from './metalink-refetch.ts';
import type { MetalinkPieces } from './sources/metalink-pieces.ts';
import { inspectFile } from './inspection/inspect.ts';
import { Intake } from './intake.ts';
import { firstThatWorks, orderMirrors } from './mirrors.ts';
import { Mirrors } from './parallel/mirror-state.ts';
import { PieceHasher } from './parallel/piece-hasher.ts';
import { Pieces, WrongPiece } from './parallel/pieces.ts';
import { bytesIn } from './parallel/spans.ts';
import type { Checkpoint } from './part-file.ts';
import { heldBy, inflatedPath, removeParts } from './part-file.ts';
import { ProgressMeter } from './progress-meter.ts';
import { openPublished, publish, publishedPath } from './publish.ts';
import { verify } from './verify.ts';
import type { Attempt, Verified } from './verify.ts';
import { withUrl } from './tries.ts';

export type { DownloadDeps, DownloadedImage, DownloadRequest } from './download-request.ts';

const CHECKPOINT_BYTES = 64 * 1_048_576;

/** Why an attempt failed, with all that it tried. */
export class DownloadFailed extends ImageError {
  readonly tries: readonly Try[];

  constructor(failure: ImageError, tries: readonly Try[]) {
    super(failure.kind, failure.message, {
      ...(failure.rule === undefined ? {} : { rule: failure.rule }),
      cause: failure,
      ...(failure.url === undefined ? {} : { url: failure.url }),
      ...(failure.retryAfterMs === undefined ? {} : { retryAfterMs: failure.retryAfterMs }),
    });
    this.tries = tries;
  }
}

/**
 * Downloads an image, going on from bytes that earlier attempts left. A copy that is there already is given back as is.
 * @throws DownloadFailed; the signal's reason when aborted
 */
export async function download(request: DownloadRequest, deps: DownloadDeps): Promise<DownloadedImage> {
  const tries: Try[] = [];
  const meter = new ProgressMeter((progress) => request.onProgress(progress), {
    total: request.size,
    source: displayUrl(request.url),
  });
  try {
    request.signal.throwIfAborted();
    await request.pool.check();
    return (await existingCopy(request, deps, meter)) ?? (await fetchCopy(request, deps, meter, tries));
  } catch (error) {
    request.signal.throwIfAborted();
    const failure = diskError(error);
    throw failure instanceof ImageError ? new DownloadFailed(failure, tries) : failure;
  } finally {
    meter.stop();
  }
}

/** What bears the final name is complete, whoever put it there. */
async function existingCopy(
  request: DownloadRequest,
  deps: DownloadDeps,
  meter: ProgressMeter,
): Promise<DownloadedImage | undefined> {
  const { pool, copyId, signal } = request;
  const file = await openPublished(pool, copyId);
  if (file === undefined) return undefined;
  const digester = new Digester({ file, algorithms: ['SHA-256'], signal });
  try {
    const { size } = await file.stat();
    meter.phase('verifying', { total: size, bytes: 0 });
    digester.onRead = (count) => meter.addReused(count);
    digester.grown(size);
    const sha256 = (await digester.finish()).get('SHA-256')?.hex ?? '';
    await removeParts(pool, copyId);
    const { format: _format, ...found } = await inspectFile(file, request.format, deps.limits);
    return await describe(request, file, { sha256, ...found, fetched: 0, tries: [] });
  } finally {
    await digester.close();
    await file.close();
  }
}

async function fetchCopy(
  request: DownloadRequest,
  deps: DownloadDeps,
  meter: ProgressMeter,
  tries: Try[],
): Promise<DownloadedImage> {
  const { pool, copyId } = request;
  const remarks: string[] = [];
  const hashes = await refetchPieces(request, deps, (sentence) => remarks.push(sentence));
  const intake = await openIntake(request, deps, meter, hashes !== undefined);
  const digester = createDigester(request, intake);
  const unpacker = createUnpacker(request, deps, intake);
  const hasher = hashes && new PieceHasher(intake.part.file, hashes.algorithm);
  const pieces = hashes && hasher && createPieces(request, intake, hashes, hasher);
  const { checkpoint } = intake.part;
  const mirrors = orderMirrors(
    mirrorsOf(request),
    checkpoint?.etag === undefined ? undefined : checkpoint.url,
  );
  const states = new Mirrors(mirrors, checkpoint);
  const shared = { request, deps, meter, tries, intake, digester, unpacker };
  const attempt: Attempt = { ...shared, mirrors: states, pieces, remarks, alone: false };
  try {
    const { image, ...facts } = await firstThatWorks(mirrors, (mirror) => fetchVerified(mirror, attempt));
    const transferred = intake.position;
    meter.phase('publishing');
    const ours = await publish(pool, copyId, image, deps.publish);
    // Without a checksum, what another attempt published may be other bytes than those that were hashed here.
    if (ours)
      return await describe(request, image.file, { ...facts, transferred, fetched: meter.fetched, tries });
    const theirs = await existingCopy(request, deps, meter);
    if (theirs === undefined) throw new ImageError('DiskBroken', 'the published file is gone again');
    return { ...theirs, fetched: meter.fetched, tries };
  } catch (error) {
    // An empty part is of no use to a later attempt, and one that was superseded to none.
    const superseded = error instanceof ImageError && error.kind === 'HostGone';
    if (intake.heldBytes === 0 || superseded) await intake.part.unlink().catch(() => undefined);
    throw error;
  } finally {
    await digester.close();
    await unpacker.close();
    await hasher?.close();
    await intake.part.close();
    deps.openParts.delete(intake.part.path);
  }
}

const mirrorsOf = ({ mirrors, url, size }: DownloadRequest): readonly Mirror[] =>
  mirrors.length > 0 ? mirrors : [{ url, priority: 1, size, ranges: false }];

async function openIntake(
  request: DownloadRequest,
  deps: DownloadDeps,
  meter: ProgressMeter,
  admitted: boolean,
): Promise<Intake> {
  const urls = new Set(mirrorsOf(request).map(({ url }) => url));
  meter.phase('reusing');
  const part = await adopt({
    pool: request.pool,
    copyId: request.copyId,
    attemptId: request.attemptId,
    hostId: deps.hostId,
    openParts: deps.openParts,
    signal: request.signal,
    usable: (checkpoint) => urls.has(checkpoint.url) && canContinue(checkpoint, request),
    onReused: (count) => meter.addReused(count),
  });
  const checkpointBytes = deps.checkpointBytes ?? CHECKPOINT_BYTES;
  return new Intake(part, { checkpointBytes, admitted });
}

function createPieces(
  { size }: DownloadRequest,
  intake: Intake,
  pieces: MetalinkPieces,
  hasher: PieceHasher,
): Pieces {
  const judged = new Pieces({
    pieces,
    total: size,
    hash: (span) => hasher.hash(span),
    onRight: (span) => intake.admit(span),
    onWrong: (span) => intake.discard(span),
  });
  intake.onWritten = (span) => judged.written(span, intake.held);
  intake.observe(judged);
  return judged;
}

function createDigester(request: DownloadRequest, intake: Intake): Digester {
  const { signal } = request;
  const digester = new Digester({ file: intake.part.file, algorithms: algorithmsOf(request), signal });
  intake.observe(digester);
  return digester;
}

function createUnpacker(request: DownloadRequest, deps: DownloadDeps, intake: Intake): Unpacker {
  const { pool, copyId, attemptId, format, signal } = request;
  const unpacker = new Unpacker({
    file: intake.part.file,
    path: inflatedPath(pool, copyId, attemptId),
    format,
    signal,
    limits: deps.limits ?? {},
    settings: deps.unpack ?? {},
  });
  intake.observe(unpacker);
  return unpacker;
}

const algorithmsOf = ({ checksum }: DownloadRequest): readonly ChecksumAlgorithm[] =>
  checksum === undefined ? ['SHA-256'] : ['SHA-256', parseChecksum(checksum).algorithm];

/**
 * A part that is complete can be used in any case; else one origin's bytes only under its strong tag, and those of
 * several only where a checksum tells in the end whether they are of one file.
 */
function canContinue(checkpoint: Checkpoint, { size, checksum, mirrors }: DownloadRequest): boolean {
  const { total, etag, others = [] } = checkpoint;
  const bytes = bytesIn(heldBy(checkpoint));
  if (bytes <= 0 || bytes > total || (size > 0 && total !== size)) return false;
  if (bytes === total || (etag !== undefined && others.length === 0)) return true;
  return checksum !== undefined && (etag !== undefined || mirrors.length > 1);
}

/** Bytes that turn out wrong are not kept, so that no attempt goes on from them. */
async function fetchVerified(mirror: Mirror, attempt: Attempt): Promise<Verified> {
  const { intake, mirrors, pieces } = attempt;
  try {
    return await fetchFrom(mirror, attempt, () => verify(attempt));
  } catch (error) {
    const wrong = error instanceof ImageError && error.class === 'content' && !(error instanceof WrongPiece);
    const givers = mirrors.all.filter((state) => state.here);
    if (!wrong || !givers.some((state) => state.mirror === mirror)) {
      throw error instanceof ImageError ? withUrl(error, mirror.url) : error;
    }
    await intake.restart();
    mirrors.forget();
    // Nobody knows which of several sent the wrong bytes: from now on each is tried by itself.
    if (pieces === undefined && givers.length > 1 && !attempt.alone) {
      attempt.alone = true;
      return fetchVerified(mirror, attempt);
    }
    const failure = withUrl(error, mirror.url);
    // All pieces were right: whoever sends them again sends the same.
    if (pieces !== undefined) for (const state of mirrors.all) state.failure ??= failure;
    throw failure;
  }
}

async function describe(
  { pool, copyId }: DownloadRequest,
  file: FileHandle,
  facts: Pick<DownloadedImage, 'sha256' | 'virtualSize' | 'evidence' | 'fetched' | 'tries' | 'transferred'>,
): Promise<DownloadedImage> {
  const { size, blocks } = await file.stat();
  const place = { installPath: copyId, localPath: publishedPath(pool, copyId) };
  return { size, physicalSize: blocks * 512, ...place, ...facts };
}
