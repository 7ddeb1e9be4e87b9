/** The unfinished file of one attempt, and beside it what is known of its source. */
import { constants } from 'node:fs';
import { lstat, mkdir, open, readdir, rename } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { ImageError } from '../model/failures.ts';
import { errnoOf, isUuid, openRegular, requireUuid, unlinkIfThere } from './files.ts';
import { addSpan, bytesIn, lengthOf, prefixOf } from './parallel/spans.ts';
import type { Spans } from './parallel/spans.ts';
import type { Pool } from './pool.ts';

export const PARTS_FOLDER = '.bypass-parts';

/** What of a part file is safely on disk, and what it is a part of. */
export interface Checkpoint {
  readonly v: 1;
  readonly hostId: string;
  /** The mirror's URL as registered. */
  readonly url: string;
  readonly finalUrl: string;
  /** A strong entity tag; without one the part cannot be continued. */
  readonly etag?: string;
  /** Bytes of the whole file; 0 when unknown. */
  readonly total: number;
  /** Bytes from the beginning that were synced to disk. */
  readonly offset: number;
  /** Spans further on that were synced too, each as its first byte and the one behind its last. */
  readonly beyond?: readonly (readonly [number, number])[];
  /** From where else bytes may have come. */
  readonly others?: readonly RecordedMirror[];
}

export interface RecordedMirror {
  readonly url: string;
  readonly etag?: string;
}

/** Spans recorded: more would make the record long, and what is left out is fetched again. */
const MOST_SPANS = 256;

/** The record of what lies in a file. */
export function checkpointOf(origin: Omit<Checkpoint, 'v' | 'offset' | 'beyond'>, held: Spans): Checkpoint {
  const offset = prefixOf(held);
  const longest = held
    .filter(({ first }) => first > offset)
    .toSorted((a, b) => lengthOf(b) - lengthOf(a))
    .slice(0, MOST_SPANS)
    .toSorted((a, b) => a.first - b.first)
    .map(({ first, end }) => [first, end] as const);
  return { v: 1, ...origin, offset, ...(longest.length === 0 ? {} : { beyond: longest }) };
}

/** What of a file its record promises. */
export function heldBy(checkpoint: Checkpoint | undefined): Spans {
  if (checkpoint === undefined) return [];
  const beyond = (checkpoint.beyond ?? []).map(([first, end]) => ({ first, end }));
  return beyond.reduce<Spans>(addSpan, addSpan([], { first: 0, end: checkpoint.offset }));
}

export const heldEnd = (checkpoint: Checkpoint): number => heldBy(checkpoint).at(-1)?.end ?? 0;

export interface FoundPart {
  readonly path: string;
  readonly checkpoint: Checkpoint | undefined;
}

const sidecar = (partPath: string): string => partPath.replace(/\.part$/, '.json');

export const partsFolder = (pool: Pool): string => join(pool.config.path, PARTS_FOLDER);

/** Path of an attempt's own part file. */
export const partPath = (pool: Pool, copyId: string, attemptId: string): string =>
  join(partsFolder(pool), `${requireUuid(copyId)}.${requireUuid(attemptId)}.part`);

/** Path of what an attempt unpacks: made anew by each, and never taken over. */
export const inflatedPath = (pool: Pool, copyId: string, attemptId: string): string =>
  partPath(pool, copyId, attemptId).replace(/\.part$/, '.inflated');

/** The copy that a name in the folder of part files belongs to; undefined for names that hold no bytes of images. */
export function copyOfPart(name: string): string | undefined {
  const [copyId = '', attemptId = '', extension = '', ...rest] = name.split('.');
  const known = extension === 'part' || extension === 'inflated';
  return known && rest.length === 0 && isUuid(copyId) && isUuid(attemptId) ? copyId : undefined;
}

/** Every part file of a copy, whichever attempt and host made it; the one with most bytes comes first. */
export async function findParts(pool: Pool, copyId: string): Promise<readonly FoundPart[]> {
  const names = (await partNames(pool, copyId)).filter((name) => name.endsWith('.part'));
  const parts = await Promise.all(
    names.map(async (name) => {
      const path = join(partsFolder(pool), name);
      return { path, checkpoint: await readCheckpoint(path) };
    }),
  );
  return parts.toSorted((a, b) => bytesIn(heldBy(b.checkpoint)) - bytesIn(heldBy(a.checkpoint)));
}

/**
 * Unlinks part files of a copy with what lies beside them.
 * @returns how many files with bytes of the image there were
 */
export async function removeParts(pool: Pool, copyId: string, keep?: string): Promise<number> {
  let count = 0;
  for (const name of await partNames(pool, copyId)) {
    const path = join(partsFolder(pool), name);
    if (keep !== undefined && (path === keep || path.startsWith(sidecar(keep)))) continue;
    if ((await unlinkIfThere(path)) && copyOfPart(name) !== undefined) count += 1;
  }
  return count;
}

async function partNames(pool: Pool, copyId: string): Promise<readonly string[]> {
  const prefix = `${requireUuid(copyId)}.`;
  const names = await readdir(partsFolder(pool)).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  });
  return names.filter(
    (name) => name.startsWith(prefix) && isUuid(name.slice(prefix.length, prefix.length + 36)),
  );
}

/** A damaged or missing one only means that the part's bytes cannot be used. */
async function readCheckpoint(path: string): Promise<Checkpoint | undefined> {
  try {
    const file = await openRegular(sidecar(path), constants.O_RDONLY);
    try {
      const checkpoint = JSON.parse(await file.readFile('utf8')) as Checkpoint;
      return isSound(checkpoint) ? checkpoint : undefined;
    } finally {
      await file.close();
    }
  } catch {
    return undefined;
  }
}

function isSound({ v, offset, total, beyond = [] }: Checkpoint): boolean {
  const isSpan = (span: unknown): boolean =>
    Array.isArray(span) &&
    span.length === 2 &&
    span.every(Number.isSafeInteger) &&
    offset < (span[0] as number) &&
    (span[0] as number) < (span[1] as number) &&
    (span[1] as number) <= total;
  return v === 1 && Number.isSafeInteger(offset) && Array.isArray(beyond) && beyond.every(isSpan);
}

export async function ensurePartsFolder(pool: Pool): Promise<void> {
  const path = partsFolder(pool);
  await mkdir(path, { mode: 0o700 }).catch((error: unknown) => {
    if (errnoOf(error) !== 'EEXIST') throw error;
  });
  if (!(await lstat(path)).isDirectory()) throw new ImageError('DiskBroken', `${path} is not a folder`);
}

/** Milliseconds without a write after which this host may have been presumed dead. */
const STOOD_STILL_MS = 5000;

/** The names of an attempt's files are gone: it was presumed dead. */
export const superseded = (cause: unknown): ImageError =>
  new ImageError('HostGone', 'another attempt took over from this one', { cause });

/** An open part file. It has one writer, and that is this object. */
export class PartFile {
  readonly path: string;
  readonly file: FileHandle;
  /** What was recorded last. */
  checkpoint: Checkpoint | undefined;
  #wroteAt = performance.now();

  private constructor(path: string, file: FileHandle, checkpoint: Checkpoint | undefined) {
    this.path = path;
    this.file = file;
    this.checkpoint = checkpoint;
  }

  /** A new, empty file of this attempt's own. */
  static async create(path: string): Promise<PartFile> {
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL;
    return new PartFile(path, await openRegular(path, flags), undefined);
  }

  /**
   * Goes on with the file of an attempt that is dead for certain.
   * @returns undefined when its bytes cannot be used: shorter than recorded, or published already
   */
  static async takeOver({ path, checkpoint }: FoundPart): Promise<PartFile | undefined> {
    const file = await openRegular(path, constants.O_RDWR);
    try {
      const { size, nlink } = await file.stat();
      if (checkpoint !== undefined && nlink === 1 && size >= heldEnd(checkpoint)) {
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

  /** Bytes that are safely on disk. */
  get verified(): number {
    return bytesIn(heldBy(this.checkpoint));
  }

  /**
   * Writes all chunks, one after the other, from a position on.
   * @throws ImageError HostGone when this process stood still, and another attempt took over meanwhile
   */
  async write(chunks: readonly Buffer[], position: number): Promise<void> {
    const now = performance.now();
    const stoodStill = now - this.#wroteAt > STOOD_STILL_MS;
    this.#wroteAt = now;
    // What it writes now would harm nobody; but no more need be fetched.
    if (stoodStill && (await this.#isGone())) throw superseded(undefined);
    const wanted = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    let { bytesWritten: done } = await this.file.writev(chunks as Buffer[], position);
    if (done === wanted) return;
    const whole = Buffer.concat(chunks);
    while (done < wanted) {
      done += (await this.file.write(whole, done, wanted - done, position + done)).bytesWritten;
    }
  }

  /** Syncs the bytes, then records that they are there. @throws ImageError HostGone when the file is another's now */
  async record(checkpoint: Checkpoint): Promise<void> {
    await this.file.datasync();
    await writeDurably(sidecar(this.path), JSON.stringify(checkpoint)).catch((error: unknown) => {
      // Whoever took over removed it just now.
      throw errnoOf(error) === 'ENOENT' ? superseded(error) : error;
    });
    this.checkpoint = checkpoint;
  }

  /** Begins anew. The record goes first: it must never promise bytes that are gone. */
  async reset(): Promise<void> {
    await unlinkIfThere(sidecar(this.path));
    this.checkpoint = undefined;
    await this.file.truncate(0);
  }

  /** What was recorded of a file that a successor unlinked meanwhile is of no use, and nobody else looks for it. */
  async close(): Promise<void> {
    try {
      if (await this.#isGone()) await unlinkIfThere(sidecar(this.path));
    } finally {
      await this.file.close();
    }
  }

  async unlink(): Promise<void> {
    await unlinkIfThere(sidecar(this.path));
    await unlinkIfThere(this.path);
  }

  /** Whether a successor unlinked it. */
  #isGone(): Promise<boolean> {
    return this.file.stat().then(
      ({ nlink }) => nlink === 0,
      (error: unknown) => errnoOf(error) === 'ESTALE',
    );
  }
}

async function writeDurably(path: string, text: string): Promise<void> {
  const temporary = `${path}.new`;
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;
  const file = await open(temporary, flags, 0o600);
  try {
    await file.writeFile(text);
    await file.datasync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}
