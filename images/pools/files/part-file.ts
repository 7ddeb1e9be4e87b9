/**
 * The part file: the unfinished file of one attempt, and the record beside it (`part-record.ts`).
 *
 * Both lie in `.bypass-parts` of the pool, as `<copy>.<attempt>.part` and `.json`; what the attempt unpacks is
 * `<copy>.<attempt>.inflated`. A part file is created empty or taken over from a dead attempt of the same host, grows
 * by `write`, becomes durable by `record`, and ends published (`publish.ts`), superseded (a successor unlinked it) or
 * removed.
 *
 * Must never happen:
 * - two writers of one inode: a successor that is not sure of its predecessor's death copies the bytes instead;
 * - a record that promises bytes which the file does not have: bytes are synced before they are recorded, and the
 *   record is removed before the file is truncated;
 * - stale bytes where the image has zeros: long runs of zeros stay holes, but only where nothing was written before
 *   (`#touched`); elsewhere zeros are written like other bytes.
 *
 * Other hosts write to a shared pool too, so nothing there is trusted by its name: only regular files are opened,
 * never through links, and an inode counts as this host's own only when the host's ledger says so.
 */
import { constants } from 'node:fs';
import { copyFile, lstat, mkdir, opendir } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { ImageError } from '../../../model/failures.ts';
import { errnoOf } from '../../../platform/errno.ts';
import { foreignFile, namedBy, openRegular, unlinkIfThere } from '../../regular-files.ts';
import { isUuid, requireUuid } from '../../uuid.ts';
import { stretchesOf, writeAll } from '../../holes.ts';
import { isZero, readAt } from '../../reader.ts';
import { addSpan, bytesIn } from '../../spans.ts';
import type { Span, Spans } from '../../spans.ts';
import { heldBy, heldEnd, readRecord, writeRecord } from './part-record.ts';
import type { Checkpoint } from './part-record.ts';
import type { Pool } from '../pool.ts';

export const PARTS_FOLDER = '.bypass-parts';

export interface FoundPart {
  readonly path: string;
  readonly checkpoint: Checkpoint | undefined;
}

const sidecar = (partPath: string): string => partPath.replace(/\.part$/, '.json');

export const partsFolder = (pool: Pool): string => join(pool.config.path, PARTS_FOLDER);

/** Path of an attempt's own part file. */
export const partPath = (pool: Pool, copyId: string, attemptId: string): string =>
  join(partsFolder(pool), `${requireUuid(copyId)}.${requireUuid(attemptId)}.part`);

/** Path of the file that an attempt unpacks into. Each attempt makes a new one; none is ever taken over. */
export const inflatedPath = (pool: Pool, copyId: string, attemptId: string): string =>
  partPath(pool, copyId, attemptId).replace(/\.part$/, '.inflated');

/** Copy id of a file in the folder of part files; undefined for names of files without bytes of images. */
export function copyOfPart(name: string): string | undefined {
  const [copyId = '', attemptId = '', extension = '', ...rest] = name.split('.');
  const known = extension === 'part' || extension === 'inflated';
  return known && rest.length === 0 && isUuid(copyId) && isUuid(attemptId) ? copyId : undefined;
}

/** Part files examined for one copy. Each host leaves one at most; more come from somebody else, and are ignored. */
const MAX_PARTS = 64;

/** Part files of a copy, of all attempts and hosts; the one with the most bytes comes first. */
export async function findParts(pool: Pool, copyId: string): Promise<readonly FoundPart[]> {
  const parts: FoundPart[] = [];
  for await (const name of partNames(pool, copyId)) {
    if (!name.endsWith('.part')) continue;
    if (parts.length === MAX_PARTS) break;
    const path = join(partsFolder(pool), name);
    parts.push({ path, checkpoint: await readRecord(sidecar(path)) });
  }
  return parts.toSorted((a, b) => bytesIn(heldBy(b.checkpoint)) - bytesIn(heldBy(a.checkpoint)));
}

/**
 * Unlinks the part files of a copy, with their records and unpacked files.
 * @param keep path of the part file that stays, with its record
 * @returns number of unlinked files with bytes of the image
 */
export async function removeParts(pool: Pool, copyId: string, keep?: string): Promise<number> {
  const kept = keep === undefined ? [] : [keep, sidecar(keep)];
  let count = 0;
  for await (const name of partNames(pool, copyId)) {
    const path = join(partsFolder(pool), name);
    if (kept.includes(path)) continue;
    if ((await unlinkUnlessFolder(path)) && copyOfPart(name) !== undefined) count += 1;
  }
  return count;
}

/** Bypass makes no folder of such a name: a folder takes no room of the copy and stays. */
const unlinkUnlessFolder = (path: string): Promise<boolean> =>
  unlinkIfThere(path).catch((error: unknown) => {
    if (errnoOf(error) === 'EISDIR') return false;
    throw error;
  });

async function* partNames(pool: Pool, copyId: string): AsyncGenerator<string> {
  const prefix = `${requireUuid(copyId)}.`;
  for await (const name of namesInPartsFolder(pool)) {
    if (name.startsWith(prefix) && isUuid(name.slice(prefix.length, prefix.length + 36))) yield name;
  }
}

/**
 * Names in the folder of part files, one by one since there may be any number; none when the folder does not exist.
 * @throws ImageError DiskBroken when the name of the folder belongs to something else
 */
export async function* namesInPartsFolder(pool: Pool): AsyncGenerator<string> {
  if (!(await isPartsFolder(pool))) return;
  for await (const { name } of await opendir(partsFolder(pool))) yield name;
}

export async function ensurePartsFolder(pool: Pool): Promise<void> {
  await mkdir(partsFolder(pool), { mode: 0o700 }).catch((error: unknown) => {
    if (errnoOf(error) !== 'EEXIST') throw error;
  });
  await isPartsFolder(pool);
}

async function isPartsFolder(pool: Pool): Promise<boolean> {
  const path = partsFolder(pool);
  const found = await lstat(path).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (found === undefined || found.isDirectory()) return found !== undefined;
  throw foreignFile(path, `${path} is not a folder: somebody else put it there; remove it`);
}

/** Milliseconds without a write after which the control side may have declared this host dead. */
const MAX_IDLE_MS = 5000;

/** The error of an attempt whose files were unlinked by a successor: the control side declared its host dead. */
export const superseded = (cause: unknown): ImageError =>
  new ImageError('HostGone', 'another attempt took over from this one', { cause });

/** Opens a part file; undefined when the path is absent or no regular file. */
export const openPart = (path: string, flags: number): Promise<FileHandle | undefined> =>
  openRegular(path, flags).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT' || (error instanceof ImageError && error.path === path)) return undefined;
    throw error;
  });

/** Inode number of a file, as text: some file systems use more digits than a double has. */
export const inodeOf = async (file: FileHandle): Promise<string> =>
  String((await file.stat({ bigint: true })).ino);

/** An open part file. This object is its only writer. */
export class PartFile {
  readonly path: string;
  readonly file: FileHandle;
  /** The last record that was written. */
  checkpoint: Checkpoint | undefined;
  /** Bytes of the complete file; 0 while unknown. */
  total = 0;
  /** Settles when the file has the length `total`. */
  #lengthened: Promise<void> | undefined;
  /** Spans in which bytes may have been written; the rest are holes. */
  #touched: Spans;
  #wroteAt = performance.now();

  private constructor(path: string, file: FileHandle, checkpoint: Checkpoint | undefined) {
    this.path = path;
    this.file = file;
    this.checkpoint = checkpoint;
    // A dead attempt may have written between the spans of its record without recording it.
    this.#touched = checkpoint === undefined ? [] : [{ first: 0, end: heldEnd(checkpoint) }];
  }

  /** A new, empty file of this attempt's own. */
  static async create(path: string): Promise<PartFile> {
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL;
    return new PartFile(path, await openRegular(path, flags), undefined);
  }

  /**
   * Goes on with the file of an attempt that is certainly dead.
   * @param inode inode number that this host noted when it created the file
   * @returns undefined when the file is another one, shorter than recorded, or published already
   */
  static async takeOver({ path, checkpoint }: FoundPart, inode: string): Promise<PartFile | undefined> {
    const file = await openPart(path, constants.O_RDWR);
    if (file === undefined) return undefined;
    try {
      const { size, nlink } = await file.stat();
      const isOwn = nlink === 1 && (await inodeOf(file)) === inode;
      if (checkpoint !== undefined && isOwn && size >= heldEnd(checkpoint)) {
        await file.truncate(heldEnd(checkpoint));
        return new PartFile(path, file, checkpoint);
      }
    } catch (error) {
      await file.close();
      throw error;
    }
    await file.close();
    return undefined;
  }

  /** Number of durable bytes. */
  get verified(): number {
    return bytesIn(heldBy(this.checkpoint));
  }

  /**
   * Writes consecutive chunks from a position on. Long runs of zeros stay holes.
   * @throws ImageError HostGone when this process was suspended and another attempt took over meanwhile
   */
  async write(chunks: readonly Buffer[], position: number): Promise<void> {
    const now = performance.now();
    const wasIdle = now - this.#wroteAt > MAX_IDLE_MS;
    this.#wroteAt = now;
    // Writing to the unlinked file would harm nobody, but fetching more bytes would be a waste.
    if (wasIdle && (await this.#isGone())) throw superseded(undefined);
    const stretches = stretchesOf(chunks, position);
    const before = this.#touched;
    this.#touched = addSpan(before, { first: position, end: stretches.at(-1)?.end ?? position });
    for (const stretch of stretches) {
      if (stretch.zeros && (await this.#isHole(stretch, before))) await this.#lengthen(stretch.end);
      else await writeAll(this.file, stretch.chunks, stretch.first);
    }
  }

  /** Whether a span of the file reads as zeros. Only spans that were written before are read. */
  async #isHole({ first, end }: Span, touched: Spans): Promise<boolean> {
    for (const span of touched) {
      const [from, to] = [Math.max(first, span.first), Math.min(end, span.end)];
      if (from < to && !isZero(await readAt(this.file, from, to - from))) return false;
    }
    return true;
  }

  /**
   * Makes zeros at the end part of the file, without writing them. Other connections may be writing beyond this end,
   * and truncating there would cut their bytes off: so the file gets its total length at once. While the total is
   * unknown only one connection writes.
   */
  #lengthen(end: number): Promise<void> {
    if (this.total > 0) return (this.#lengthened ??= this.file.truncate(this.total));
    return this.file.truncate(Math.max(end, this.#touched.at(-1)?.end ?? 0));
  }

  /**
   * Makes this empty file share the blocks of another one, where the file system supports that.
   * @param length number of bytes to take from the other file
   * @returns false when the file system cannot share blocks
   */
  async clone(other: FileHandle, length: number): Promise<boolean> {
    const [from, to] = [other, this.file].map(({ fd }) => `/proc/self/fd/${fd}`) as [string, string];
    try {
      await copyFile(from, to, constants.COPYFILE_FICLONE_FORCE);
    } catch {
      return false;
    }
    await this.file.truncate(length);
    this.#touched = [{ first: 0, end: length }];
    return true;
  }

  /** Syncs the bytes, then records them. @throws ImageError HostGone when another attempt took the file over */
  async record(checkpoint: Checkpoint): Promise<void> {
    await this.file.datasync();
    await writeRecord(sidecar(this.path), checkpoint).catch((error: unknown) => {
      // The attempt that took over removed the folder entry just now.
      throw errnoOf(error) === 'ENOENT' ? superseded(error) : error;
    });
    this.checkpoint = checkpoint;
  }

  /** Empties the file. The record is removed first, since a record must never promise absent bytes. */
  async reset(): Promise<void> {
    await unlinkIfThere(sidecar(this.path));
    this.checkpoint = undefined;
    await this.file.truncate(0);
    this.#lengthened = undefined;
    this.#touched = [];
  }

  /** Closes the file. When its name belongs to another file now, the record goes, since it describes this file. */
  async close(): Promise<void> {
    try {
      if ((await namedBy(this.path, this.file)) !== 'this') await unlinkIfThere(sidecar(this.path));
    } finally {
      await this.file.close();
    }
  }

  async unlink(): Promise<void> {
    await unlinkIfThere(sidecar(this.path));
    await unlinkIfThere(this.path);
  }

  /** Whether a successor unlinked the file. */
  #isGone(): Promise<boolean> {
    return this.file.stat().then(
      ({ nlink }) => nlink === 0,
      (error: unknown) => errnoOf(error) === 'ESTALE',
    );
  }
}
