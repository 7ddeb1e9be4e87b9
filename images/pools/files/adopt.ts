/**
 * Adoption: a new attempt takes the bytes that earlier attempts of the same copy left on the pool.
 *
 * Of all part files of the copy, the one with the most usable bytes is chosen. Then, in this order:
 * - taken over in place, when nobody else can still write to it: this host created the file, as its ledger says (a
 *   record on the pool may be anybody's), the host's lock is held by this process, and no download of this process
 *   has it open;
 * - cloned (shared blocks) or copied into a new file of this attempt, up to what its record promises;
 * - left alone: the attempt begins with an empty file, or with the bytes of the damaged file that it is to replace.
 *
 * In the end all other part files of the copy are unlinked, never written; their writers find that out
 * (`superseded`).
 *
 * Must never happen: two writers of one inode; bytes beyond a record; a pool that can hold one file but not two and so
 * never gets the image (`makeRoom` gives the old bytes up then).
 */
import { constants } from 'node:fs';
import { statfs } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { basename } from 'node:path';
import { ImageError } from '../../../model/failures.ts';
import { errnoOf } from '../../../platform/errno.ts';
import { diskError } from '../../disk-errors.ts';
import type { Provenance } from '../../fetch/sink.ts';
import { readChunks } from '../../reader.ts';
import type { NotedPart } from '../ledger.ts';
import { bytesIn } from '../../spans.ts';
import {
  ensurePartsFolder,
  findParts,
  inodeOf,
  openPart,
  PartFile,
  partPath,
  removeParts,
} from './part-file.ts';
import type { FoundPart } from './part-file.ts';
import { checkpointOf, heldBy, heldEnd } from './part-record.ts';
import type { Checkpoint } from './part-record.ts';
import type { PartRequest, Pool, PoolWriter } from '../pool.ts';

export interface AdoptRequest
  extends
    Pick<PartRequest, 'copyId' | 'attemptId' | 'signal' | 'usable' | 'onReused'>,
    Pick<PoolWriter, 'hostId' | 'openParts' | 'ledger'> {
  readonly pool: Pool;
  /** The damaged file of the copy, and with what its bytes are recorded. */
  readonly salvage?: Salvage | undefined;
}

interface Salvage {
  readonly file: FileHandle;
  readonly provenance: Provenance;
}

/** Opens the part file of this attempt, with all usable bytes of earlier attempts in it. */
export async function adopt(request: AdoptRequest): Promise<PartFile> {
  const { pool, copyId, attemptId, openParts, ledger } = request;
  await ensurePartsFolder(pool);
  const found = await findParts(pool, copyId);
  const adoption = { ...request, own: await ledger.partOf(copyId) };
  const best = found.find(
    ({ checkpoint }) => checkpoint !== undefined && request.usable(checkpoint, bytesIn(heldBy(checkpoint))),
  );
  const part = (best && (await takeOver(best, adoption))) ?? (await createOwn(adoption, best));
  try {
    await removeParts(pool, copyId, part.path);
    return part;
  } catch (error) {
    await part.close();
    openParts.delete(partPath(pool, copyId, attemptId));
    throw error;
  }
}

interface Adoption extends AdoptRequest {
  /** The part file that this host created last for the copy, by its ledger. */
  readonly own: NotedPart | undefined;
}

async function takeOver(found: FoundPart, adoption: Adoption): Promise<PartFile | undefined> {
  const { hostId, openParts, own } = adoption;
  if (found.checkpoint?.hostId !== hostId || openParts.has(found.path)) return undefined;
  if (own?.name !== basename(found.path)) return undefined;
  openParts.add(found.path);
  const part = await PartFile.takeOver(found, own.inode).catch((error: unknown) => {
    openParts.delete(found.path);
    throw error;
  });
  if (part === undefined) {
    openParts.delete(found.path);
    return undefined;
  }
  adoption.onReused(part.verified);
  return part;
}

async function createOwn(request: Adoption, predecessor: FoundPart | undefined): Promise<PartFile> {
  const { pool, copyId, attemptId, openParts, ledger } = request;
  const path = partPath(pool, copyId, attemptId);
  const part = await PartFile.create(path);
  openParts.add(path);
  try {
    await ledger.notePart(copyId, { name: basename(path), inode: await inodeOf(part.file) });
    if (predecessor?.checkpoint !== undefined) {
      await copyVerified(predecessor.path, predecessor.checkpoint, part, request);
    } else if (request.salvage !== undefined) await copyDamaged(request.salvage, part, request);
    return part;
  } catch (error) {
    // An incomplete copy of the predecessor's bytes is useless and takes room.
    await part.close();
    openParts.delete(path);
    await part.unlink().catch(() => undefined);
    if (predecessor?.checkpoint !== undefined && isNoSpace(error))
      await makeRoom(predecessor.checkpoint, request);
    throw error;
  }
}

const isNoSpace = (error: unknown): boolean => {
  const failure = diskError(error);
  return failure instanceof ImageError && failure.kind === 'NoSpace';
};

/**
 * Removes the old bytes where the pool has room for one file but not for two, so that the next attempt can begin
 * anew.
 */
async function makeRoom(checkpoint: Checkpoint, { pool, copyId }: AdoptRequest): Promise<void> {
  const { bavail, bsize } = await statfs(pool.config.path);
  if (bavail * bsize + bytesIn(heldBy(checkpoint)) >= checkpoint.total) await removeParts(pool, copyId);
}

async function copyVerified(
  from: string,
  checkpoint: Checkpoint,
  part: PartFile,
  adoption: Adoption,
): Promise<void> {
  const { own } = adoption;
  const file = await openPart(from, constants.O_RDONLY);
  if (file === undefined) return;
  try {
    // Somebody replaced the file that this host wrote.
    if (own?.name === basename(from) && own.inode !== (await inodeOf(file))) return;
    // The bytes of a file that is shorter than its record cannot be trusted.
    if ((await file.stat()).size < heldEnd(checkpoint)) return;
    await fill(part, file, checkpoint, adoption);
  } finally {
    await file.close();
  }
}

/** Pieces that turn out wrong are fetched. Where the disk does not give the bytes back, all of them are. */
async function copyDamaged({ file, provenance }: Salvage, part: PartFile, adoption: Adoption): Promise<void> {
  const { size } = await file.stat();
  const held = [{ first: 0, end: Math.min(size, provenance.total) }];
  const checkpoint = checkpointOf({ ...provenance, hostId: adoption.hostId }, held);
  try {
    await fill(part, file, checkpoint, adoption);
  } catch (error) {
    if (errnoOf(error) !== 'EIO') throw error;
    await part.reset();
  }
}

/** Brings the bytes of another file into an empty part, as its checkpoint has them. */
async function fill(
  part: PartFile,
  file: FileHandle,
  checkpoint: Checkpoint,
  { hostId, signal, onReused }: Adoption,
): Promise<void> {
  if (await part.clone(file, heldEnd(checkpoint))) onReused(bytesIn(heldBy(checkpoint)));
  else await copyBytes(part, file, checkpoint, { signal, onReused });
  await part.record({ ...checkpoint, hostId });
}

async function copyBytes(
  part: PartFile,
  file: FileHandle,
  checkpoint: Checkpoint,
  { signal, onReused }: Pick<Adoption, 'signal' | 'onReused'>,
): Promise<void> {
  for (const span of heldBy(checkpoint)) {
    let position = span.first;
    for await (const chunk of readChunks(file, span)) {
      signal.throwIfAborted();
      await part.write([chunk], position);
      position += chunk.length;
      onReused(chunk.length);
    }
  }
}
