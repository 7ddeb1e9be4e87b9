/**
 * Disks of virtual machines in a pool of files: `<volume id>` in its root, beside the images that they stand on, and
 * `<volume id>.nvram` with the variables of UEFI firmware, which libvirt makes.
 *
 * A new disk is filled under a temporary name in the folder of part files, synced, linked to its final name, and the folder
 * is synced. So a disk has its name only when it is complete, however the host worker ends. A temporary file that a dead
 * attempt left goes with the next attempt for the same disk, and with the disk. No file is overwritten: the name of an
 * existing disk stays that disk's.
 */
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { link } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../../../platform/errno.ts';
import { syncFolder } from '../../../platform/replace-file.ts';
import { openRegular, unlinkIfThere } from '../../regular-files.ts';
import { requireUuid } from '../../uuid.ts';
import type { Pool, StoredVolume, VolumeDraft } from '../pool.ts';
import { ensurePartsFolder, namesInPartsFolder, partsFolder } from './part-file.ts';

/** QEMU's user gets the file from libvirt, for as long as the machine runs. */
const OWNER_ONLY = 0o600;

const volumePath = (pool: Pool, volumeId: string): string => join(pool.config.path, requireUuid(volumeId));
const firmwarePath = (pool: Pool, volumeId: string): string => `${volumePath(pool, volumeId)}.nvram`;

/** @throws ImageError DiskBroken when its name belongs to something that is no regular file */
export async function openVolume(pool: Pool, volumeId: string): Promise<StoredVolume | undefined> {
  const path = volumePath(pool, volumeId);
  try {
    const file = await openRegular(path, constants.O_RDONLY);
    return { file, path, firmwarePath: firmwarePath(pool, volumeId) };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

export async function createVolume(
  pool: Pool,
  volumeId: string,
  fill: (draft: VolumeDraft) => Promise<void>,
): Promise<boolean> {
  await pool.check();
  await ensurePartsFolder(pool);
  await removeDrafts(pool, volumeId);
  const draft = join(partsFolder(pool), `${requireUuid(volumeId)}.${randomUUID()}${DRAFT}`);
  const file = await openRegular(draft, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, OWNER_ONLY);
  try {
    await fill({ path: draft, file });
    await file.sync();
    await pool.check();
    return await giveName(draft, volumePath(pool, volumeId));
  } finally {
    await file.close();
    await unlinkIfThere(draft);
    await syncFolder(pool.config.path);
  }
}

/** @returns false when a disk has the name */
async function giveName(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Idempotent. @returns number of removed files */
export async function removeVolume(pool: Pool, volumeId: string): Promise<number> {
  await pool.check();
  let count = await removeDrafts(pool, volumeId);
  const firmware = firmwarePath(pool, volumeId);
  // libvirt writes a new file of variables under the second name.
  for (const path of [volumePath(pool, volumeId), firmware, `${firmware}.new`]) {
    if (await unlinkIfThere(path)) count += 1;
  }
  await syncFolder(pool.config.path);
  return count;
}

/** The ending of a file that becomes a disk. */
export const DRAFT = '.volume';

async function removeDrafts(pool: Pool, volumeId: string): Promise<number> {
  let count = 0;
  for await (const name of namesInPartsFolder(pool)) {
    if (!name.startsWith(`${requireUuid(volumeId)}.`) || !name.endsWith(DRAFT)) continue;
    if (await unlinkIfThere(join(partsFolder(pool), name))) count += 1;
  }
  return count;
}
