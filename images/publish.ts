/** Giving a complete file its final name: the one moment at which a copy comes into being. */
import { constants } from 'node:fs';
import { link } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, openRegular, requireUuid, syncFolder } from './files.ts';
import { removeParts, superseded } from './part-file.ts';
import type { Pool } from './pool.ts';

export interface PublishSettings {
  /** Default 0644: QEMU reads it, nobody else writes it. */
  readonly mode?: number;
  /** Default: the user that the host worker runs as. */
  readonly owner?: { readonly uid: number; readonly gid: number };
}

/** Where a copy lies once it is complete. */
export const publishedPath = (pool: Pool, copyId: string): string =>
  join(pool.config.path, requireUuid(copyId));

/** The published file, open for reading; undefined when there is none. */
export async function openPublished(pool: Pool, copyId: string): Promise<FileHandle | undefined> {
  try {
    return await openRegular(publishedPath(pool, copyId), constants.O_RDONLY);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** A file under a temporary name in the pool. */
export interface Publishable {
  readonly path: string;
  readonly file: FileHandle;
}

/**
 * Publishes a verified, inspected file. A file that has the name already is complete, and stays.
 * @returns false when that is what happened
 * @throws ImageError HostGone when another attempt took over from this one meanwhile
 */
export async function publish(
  pool: Pool,
  copyId: string,
  image: Publishable,
  settings: PublishSettings = {},
): Promise<boolean> {
  const { mode = 0o644, owner } = settings;
  if (owner !== undefined) await image.file.chown(owner.uid, owner.gid);
  await image.file.chmod(mode);
  await image.file.sync();
  await pool.check();
  let ours = true;
  try {
    await link(image.path, publishedPath(pool, copyId));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') throw superseded(error);
    if (errnoOf(error) !== 'EEXIST') throw error;
    ours = false;
  }
  await syncFolder(pool.config.path);
  await removeParts(pool, copyId);
  return ours;
}
