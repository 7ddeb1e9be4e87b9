/** What a new attempt makes of the bytes that earlier ones left behind. */
import { constants } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { ImageError } from '../model/failures.ts';
import { diskError, openRegular, readChunks } from './files.ts';
import { bytesIn } from './parallel/spans.ts';
import {
  ensurePartsFolder,
  findParts,
  heldBy,
  heldEnd,
  PartFile,
  partPath,
  removeParts,
} from './part-file.ts';
import type { Checkpoint, FoundPart } from './part-file.ts';
import type { Pool } from './pool.ts';

export interface AdoptRequest {
  readonly pool: Pool;
  readonly copyId: string;
  readonly attemptId: string;
  readonly hostId: string;
  /** Paths of part files that this process has open. Entries are added here and removed by who closes the file. */
  readonly openParts: Set<string>;
  readonly signal: AbortSignal;
  /** Whether bytes of such an origin can be continued. */
  usable(checkpoint: Checkpoint): boolean;
  /** Told of bytes as they are taken over. */
  readonly onReused: (count: number) => void;
}

/**
 * Opens the part file of this attempt, with all usable bytes of its predecessors in it. In place only when nobody else
 * can still write there: made by this host, whose lock is ours, and open in no download of this process. Otherwise
 * the bytes are copied into a file of its own. Superseded files are unlinked, never written.
 */
export async function adopt(request: AdoptRequest): Promise<PartFile> {
  const { pool, copyId, attemptId, openParts } = request;
  await ensurePartsFolder(pool);
  const found = await findParts(pool, copyId);
  const best = found.find(({ checkpoint }) => checkpoint !== undefined && request.usable(checkpoint));
  const part = (best && (await takeOver(best, request))) ?? (await createOwn(request, best));
  try {
    await removeParts(pool, copyId, part.path);
    return part;
  } catch (error) {
    await part.close();
    openParts.delete(partPath(pool, copyId, attemptId));
    throw error;
  }
}

async function takeOver(found: FoundPart, request: AdoptRequest): Promise<PartFile | undefined> {
  const { hostId, openParts } = request;
  if (found.checkpoint?.hostId !== hostId || openParts.has(found.path)) return undefined;
  openParts.add(found.path);
  const part = await PartFile.takeOver(found).catch((error: unknown) => {
    openParts.delete(found.path);
    throw error;
  });
  if (part === undefined) {
    openParts.delete(found.path);
    return undefined;
  }
  request.onReused(part.verified);
  return part;
}

async function createOwn(request: AdoptRequest, predecessor: FoundPart | undefined): Promise<PartFile> {
  const { pool, copyId, attemptId, openParts } = request;
  const path = partPath(pool, copyId, attemptId);
  const part = await PartFile.create(path);
  openParts.add(path);
  if (predecessor?.checkpoint === undefined) return part;
  const { checkpoint } = predecessor;
  try {
    await copyVerified(predecessor.path, checkpoint, part, request);
    return part;
  } catch (error) {
    // Half a copy of what the predecessor has is of no use, and takes room.
    await part.close();
    openParts.delete(path);
    await part.unlink().catch(() => undefined);
    if (isNoSpace(error)) await makeRoom(checkpoint, request);
    throw error;
  }
}

const isNoSpace = (error: unknown): boolean => {
  const failure = diskError(error);
  return failure instanceof ImageError && failure.kind === 'NoSpace';
};

/** A pool with room for one file, but not for two at once, would never get it: then the next attempt begins anew. */
async function makeRoom(checkpoint: Checkpoint, { pool, copyId }: AdoptRequest): Promise<void> {
  const { bavail, bsize } = await statfs(pool.config.path);
  if (bavail * bsize + bytesIn(heldBy(checkpoint)) >= checkpoint.total) await removeParts(pool, copyId);
}

async function copyVerified(
  from: string,
  checkpoint: Checkpoint,
  part: PartFile,
  { hostId, signal, onReused }: AdoptRequest,
): Promise<void> {
  const file = await openRegular(from, constants.O_RDONLY);
  try {
    // A file shorter than recorded, or published meanwhile, has nothing that could be trusted.
    if ((await file.stat()).size < heldEnd(checkpoint)) return;
    for (const span of heldBy(checkpoint)) {
      let position = span.first;
      for await (const chunk of readChunks(file, span)) {
        signal.throwIfAborted();
        await part.write([chunk], position);
        position += chunk.length;
        onReused(chunk.length);
      }
    }
    await part.record({ ...checkpoint, hostId });
  } finally {
    await file.close();
  }
}
