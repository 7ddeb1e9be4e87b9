/**
 * Publishing: giving a complete file its final name. This is the moment at which a copy comes into being.
 *
 * Steps: owner and mode are set, the file is synced, the pool is checked once more; then the open file is linked
 * under the final name, and the folder is synced. Linking has three results:
 * - linked: published;
 * - the name is taken by the same image (size and SHA-256, `isSame`): another host published first, which counts as
 * done;
 * - the name is taken by anything else: that file is renamed aside and reported, and linking is tried again,
 *   `MAX_FOREIGN` times.
 *
 * Must never happen: a final name for anything but the inode that was verified. Therefore the open descriptor is
 * linked, not the temporary name, which somebody with access to the pool may have given to another file; and after
 * linking, the final name is compared with the descriptor. No file is ever overwritten. An attempt that another one
 * has superseded (its temporary name is gone) fails with HostGone.
 */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { link, rename } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { ForeignFile } from '../../../model/payloads.ts';
import { syncFolder } from '../../../platform/replace-file.ts';
import { errnoOf } from '../../../platform/errno.ts';
import { foreignFile, namedBy, openRegular } from '../../regular-files.ts';
import { requireUuid } from '../../uuid.ts';
import { superseded } from './part-file.ts';
import type { Pool, PublishSettings, StoredFacts } from '../pool.ts';

/** Path of a published copy. */
export const publishedPath = (pool: Pool, copyId: string): string =>
  join(pool.config.path, requireUuid(copyId));

/**
 * Opens the published file of a copy for reading; undefined when there is none.
 * @throws ImageError DiskBroken when its name belongs to something that is no regular file
 */
export async function openPublished(pool: Pool, copyId: string): Promise<FileHandle | undefined> {
  try {
    return await openRegular(publishedPath(pool, copyId), constants.O_RDONLY);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** @param file the published file of the copy */
export async function storedFacts(pool: Pool, copyId: string, file: FileHandle): Promise<StoredFacts> {
  const { size, blocks } = await file.stat();
  return {
    size,
    physicalSize: blocks * 512,
    installPath: copyId,
    localPath: publishedPath(pool, copyId),
  };
}

/** A file under a temporary name in the pool. */
export interface Publishable {
  readonly path: string;
  readonly file: FileHandle;
}

export interface Publishing {
  readonly pool: Pool;
  readonly copyId: string;
  readonly settings?: PublishSettings | undefined;
  /** Whether a file that already has the final name is the same image. */
  readonly isSame: (published: FileHandle) => Promise<boolean>;
}

/** How many foreign files are moved aside before publishing fails. */
const MAX_FOREIGN = 3;

/**
 * Publishes a verified, inspected file.
 * @returns foreign files that were moved aside
 * @throws ImageError HostGone when another attempt superseded this one; DiskBroken with the path when somebody else
 * keeps putting files at the final or the temporary name
 */
export async function publish(image: Publishable, publishing: Publishing): Promise<readonly ForeignFile[]> {
  const { pool, copyId, settings = {} } = publishing;
  const { mode = 0o644, owner } = settings;
  if (owner !== undefined) await image.file.chown(owner.uid, owner.gid);
  await image.file.chmod(mode);
  await image.file.sync();
  await pool.check();
  const path = publishedPath(pool, copyId);
  const foreign: ForeignFile[] = [];
  while (!(await giveName(image, path)) && !(await isPublished(publishing))) {
    if (foreign.length === MAX_FOREIGN) {
      throw foreignFile(
        path,
        `somebody else puts files at ${path} over and over; find out who writes to the pool`,
      );
    }
    foreign.push(...(await setAside(path)));
  }
  await syncFolder(pool.config.path);
  return foreign;
}

/**
 * Gives a published file a second name, as a link to the same inode. Owner and mode stay, since a virtual machine may use it.
 * @returns undefined when the name is taken
 */
export async function publishAgain(
  pool: Pool,
  file: FileHandle,
  copyId: string,
): Promise<StoredFacts | undefined> {
  await pool.check();
  const path = publishedPath(pool, copyId);
  if (!(await linkOpenFile(file, path)) || (await namedBy(path, file)) !== 'this') return undefined;
  await syncFolder(pool.config.path);
  return storedFacts(pool, copyId, file);
}

async function isPublished({ pool, copyId, isSame }: Publishing): Promise<boolean> {
  const file = await openPublished(pool, copyId);
  if (file === undefined) return false;
  try {
    return await isSame(file);
  } finally {
    await file.close();
  }
}

/** Links the open file under its final name. @returns false when the name is taken */
async function giveName(image: Publishable, path: string): Promise<boolean> {
  if (!(await linkOpenFile(image.file, path)) && !(await linkByName(image, path))) return false;
  if ((await namedBy(path, image.file)) === 'this') return true;
  throw foreignFile(
    path,
    `${path} was replaced as soon as it was there; find out who else writes to the pool`,
  );
}

/**
 * Links an open descriptor. Node cannot do that, since link(2) does not follow /proc/self/fd; `ln -L` of the GNU
 * coreutils does (linkat with AT_SYMLINK_FOLLOW).
 * @returns false when `ln` failed, for whatever reason: `linkByName` finds out why
 */
function linkOpenFile(file: FileHandle, path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const args = ['-L', '-T', '--', '/proc/self/fd/3', path];
    const child = spawn('ln', args, { stdio: ['ignore', 'ignore', 'ignore', file.fd], env: {} });
    child.on('error', () => resolve(false));
    child.on('exit', (code) => resolve(code === 0));
  });
}

/**
 * Links the file by its temporary name, after checking that the name still belongs to the file.
 * @returns false when the final name is taken
 */
async function linkByName(image: Publishable, path: string): Promise<boolean> {
  const named = await namedBy(image.path, image.file);
  if (named === 'nothing') throw superseded(undefined);
  if (named === 'another') {
    throw foreignFile(
      image.path,
      `${image.path} was replaced while the image was downloaded; find out who else writes to the pool`,
    );
  }
  try {
    await link(image.path, path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') throw superseded(error);
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Renames a foreign file. Its new name cannot be guessed, so nothing else has it.
 * @returns an empty list when the file was gone
 */
async function setAside(path: string): Promise<readonly ForeignFile[]> {
  const movedTo = `${path}.set-aside.${randomUUID()}`;
  try {
    await rename(path, movedTo);
    return [{ path, movedTo }];
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}
