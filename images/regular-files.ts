/** Opens and removes files by paths on which others may have put something else: links, FIFOs, folders, other files. */
import { constants } from 'node:fs';
import { lstat, open, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { ImageError } from '../model/failures.ts';
import { errnoOf } from '../platform/errno.ts';

/** Errors of opening a link, a FIFO without a reader, and a folder for writing. */
const IRREGULAR: ReadonlySet<string | undefined> = new Set(['ELOOP', 'ENXIO', 'EISDIR']);

/**
 * Opens a regular file, without following a link and without waiting for the other end of a FIFO.
 * @throws ImageError DiskBroken with the path when the path is no regular file; the file system's error otherwise
 */
export async function openRegular(path: string, flags: number, mode = 0o600): Promise<FileHandle> {
  const file = await open(path, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK, mode).catch(
    (error: unknown) => {
      throw IRREGULAR.has(errnoOf(error)) ? irregular(path) : error;
    },
  );
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw irregular(path);
}

const irregular = (path: string): ImageError =>
  foreignFile(path, `${path} is not a regular file: somebody else put it there; remove it`);

/** The failure for something that has the name of a file of Bypass and is none. */
export const foreignFile = (path: string, message: string): ImageError =>
  new ImageError('DiskBroken', message, { path });

/** Which file a path names: the open one, another one, or none. */
export async function namedBy(path: string, file: FileHandle): Promise<'this' | 'another' | 'nothing'> {
  const named = await lstat(path, { bigint: true }).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (named === undefined) return 'nothing';
  const { dev, ino } = await file.stat({ bigint: true });
  return named.dev === dev && named.ino === ino ? 'this' : 'another';
}

/** Reads a text file; undefined when the file is absent, irregular, or longer than `limit` bytes. */
export async function readShort(path: string, limit: number): Promise<string | undefined> {
  const file = await openRegular(path, constants.O_RDONLY).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT' || error instanceof ImageError) return undefined;
    throw error;
  });
  if (file === undefined) return undefined;
  try {
    // The buffer bounds the read, since the file may grow meanwhile.
    const { size } = await file.stat();
    if (size > limit) return undefined;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size), 0, size, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}

/** Unlinks a path. @returns false when nothing had the path */
export async function unlinkIfThere(path: string): Promise<boolean> {
  try {
    await unlink(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}
