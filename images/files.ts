/** Files of a pool: how they are named, opened and made to last, and what their errors mean. */
import { constants } from 'node:fs';
import { open, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { ImageError } from '../model/failures.ts';
import type { FailureKind } from '../model/failures.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export const isUuid = (text: string): boolean => UUID.test(text);

/** Ids become file names, so nothing but a UUID passes. */
export function requireUuid(id: string): string {
  if (!isUuid(id)) throw new TypeError(`'${id.slice(0, 60)}' is not a UUID in lower case`);
  return id;
}

export const errnoOf = (error: unknown): string | undefined =>
  (error as NodeJS.ErrnoException | undefined)?.code;

/**
 * Opens a regular file, never through a link.
 * @throws ImageError DiskBroken when something else bears the name
 */
export async function openRegular(path: string, flags: number, mode = 0o600): Promise<FileHandle> {
  const file = await open(path, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK, mode).catch(
    (error: unknown) => {
      throw errnoOf(error) === 'ELOOP' ? irregular(path) : error;
    },
  );
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw irregular(path);
}

const irregular = (path: string): ImageError => new ImageError('DiskBroken', `${path} is not a regular file`);

/** Makes names that were created or removed in a folder last. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** @returns whether there was such a name */
export async function unlinkIfThere(path: string): Promise<boolean> {
  try {
    await unlink(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/** Each chunk is good until the next one is asked for. */
export async function* readChunks(
  file: FileHandle,
  { first, end }: { readonly first: number; readonly end: number },
): AsyncGenerator<Buffer> {
  const buffer = Buffer.allocUnsafe(1_048_576);
  for (let position = first; position < end;) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, end - position), position);
    if (bytesRead === 0) throw becameShorter();
    yield buffer.subarray(0, bytesRead);
    position += bytesRead;
  }
}

/** Bytes that were there are not any more. */
export const becameShorter = (): ImageError =>
  new ImageError('DiskBroken', 'a file of the pool became shorter while it was read');

const DISK: Readonly<Record<string, readonly [FailureKind, string]>> = {
  ENOSPC: ['NoSpace', 'no space is left on the pool'],
  EDQUOT: ['NoSpace', 'the quota of the pool is used up'],
  EIO: ['DiskBroken', 'the disk of the pool gives input/output errors'],
  EROFS: ['DiskBroken', 'the file system of the pool is read-only'],
  ESTALE: ['DiskBroken', 'the pool was exported anew and must be mounted again'],
  ENODEV: ['DiskBroken', 'the disk of the pool is gone'],
  ENXIO: ['DiskBroken', 'the disk of the pool is gone'],
  EACCES: ['DiskBroken', 'the host worker may not write on the pool'],
  EPERM: ['DiskBroken', 'the host worker may not write on the pool'],
};

/** The failure that an error of a file system means; other errors are given back as they are. */
export function diskError(error: unknown): unknown {
  const known = DISK[errnoOf(error) ?? ''];
  if (known === undefined || error instanceof ImageError) return error;
  return new ImageError(known[0], known[1], { cause: error });
}
