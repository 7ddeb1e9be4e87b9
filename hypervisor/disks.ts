/**
 * The ROOT disk of a machine: a qcow2 file in the pool, an overlay on the published image, a copy of its content, or empty.
 * qemu-img runs only on published images, which were inspected, and on disks whose header this host has read before.
 */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Pool, StoredVolume } from '../images/pools/pool.ts';
import { ImageError } from '../model/failures.ts';
import type { CacheMode } from '../model/vms.ts';
import type { VmDisk, VmImage } from '../model/vm-payloads.ts';
import { errnoOf } from '../platform/errno.ts';
import type { DiskPlan } from './domain-plan.ts';
import { diskError } from './errors.ts';
import { runProgram } from './program.ts';
import { readDiskHeader } from './qcow2-header.ts';
import { writeOverlay } from './qcow2-overlay.ts';

/** A published image, as QEMU opens it. */
export interface PublishedImage {
  readonly path: string;
  /** Relative to disks of the pool. */
  readonly name: string;
  readonly format: 'qcow2' | 'raw';
  /** Bytes that a guest sees. */
  readonly virtualSize: number;
}

export interface Disk {
  readonly plan: DiskPlan;
  readonly firmwareVariables: string;
  /** Whether this call made it. */
  readonly made: boolean;
}

/** @throws ImageError CopyMissing when the pool has no such image */
export async function findImage(pool: Pool, { copyId, format }: VmImage): Promise<PublishedImage> {
  const stored = await pool.openPublished(copyId);
  if (stored === undefined)
    throw new ImageError('CopyMissing', `the pool ${pool.config.name} does not have the image ${copyId}`);
  try {
    const { localPath: path, size } = await stored.facts();
    const name = pool.backingName(copyId);
    if (format !== 'QCOW2') return { path, name, format: 'raw', virtualSize: size };
    const { virtualSize } = await readDiskHeader(stored.file, path);
    return { path, name, format: 'qcow2', virtualSize };
  } finally {
    await stored.file.close();
  }
}

/**
 * Makes the disk if it is absent, and enlarges one that is smaller than wanted.
 * @param image the disk's, if it has one
 * @throws ImageError DiskMissing when the disk was there before and is gone; DiskBroken when it is not what Bypass made
 */
export async function ensureDisk(
  pool: Pool,
  disk: VmDisk,
  image: PublishedImage | undefined,
  signal: AbortSignal,
): Promise<Disk> {
  const made = (await hasDisk(pool, disk)) ? false : await makeDisk(pool, disk, image, signal);
  const volume = await requireVolume(pool, disk);
  try {
    const header = await readDiskHeader(volume.file, volume.path);
    const backing = image !== undefined && header.backingName === image.name ? image : undefined;
    if (header.backingName !== backing?.name) {
      throw new ImageError(
        'DiskBroken',
        `${volume.path} stands on ${header.backingName}, and not on its image: another program changed it`,
        { path: volume.path },
      );
    }
    if (header.virtualSize < disk.size) {
      await qemuImg(['resize', '-q', '-f', 'qcow2', volume.path, String(roundUp(disk.size))], signal);
    }
    return {
      plan: {
        volumeId: disk.volumeId,
        path: volume.path,
        cache: await possibleCache(volume.path, disk.cache),
        ...(backing && { backing: { path: backing.path, format: backing.format } }),
      },
      firmwareVariables: volume.firmwarePath,
      made,
    };
  } finally {
    await volume.file.close();
  }
}

/** @throws ImageError DiskMissing when the disk was there before and is gone */
async function hasDisk(pool: Pool, disk: VmDisk): Promise<boolean> {
  if (await isThere(pool, disk)) return true;
  if (disk.made === true) throw missingDisk(pool, disk.volumeId);
  return false;
}

/** Whether the machine has had no disk so far: each start makes the disk first, so that no domain is to be expected either. */
export const isFirstStart = async (pool: Pool, disk: VmDisk): Promise<boolean> =>
  disk.made !== true && !(await isThere(pool, disk));

async function isThere(pool: Pool, { volumeId }: VmDisk): Promise<boolean> {
  const volume = await pool.openVolume(volumeId);
  await volume?.file.close();
  return volume !== undefined;
}

async function requireVolume(pool: Pool, { volumeId }: VmDisk): Promise<StoredVolume> {
  const volume = await pool.openVolume(volumeId);
  if (volume === undefined) throw missingDisk(pool, volumeId);
  return volume;
}

const missingDisk = ({ config }: Pool, volumeId: string): ImageError =>
  new ImageError('DiskMissing', `the pool ${config.name} does not have the disk ${volumeId} any more`);

/** Sizes of disks are whole sectors; some guests want more. */
const SIZE_UNIT = 65_536;
const roundUp = (bytes: number): number => Math.ceil(bytes / SIZE_UNIT) * SIZE_UNIT;

function makeDisk(
  pool: Pool,
  { volumeId, provisioning, ...wanted }: VmDisk,
  image: PublishedImage | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  const size = roundUp(Math.max(wanted.size, image?.virtualSize ?? 0));
  const allocation = provisioning === 'fat' ? ['-o', 'preallocation=falloc'] : [];
  return pool.createVolume(volumeId, async ({ path, file }) => {
    if (image === undefined) {
      await qemuImg(['create', '-q', '-f', 'qcow2', ...allocation, path, String(size)], signal);
    } else if (provisioning === 'thin') {
      await writeOverlay(file, { size, backingName: image.name, backingFormat: image.format });
    } else {
      const formats = ['-f', image.format, '-O', 'qcow2'];
      await qemuImg(['convert', '-q', ...formats, ...allocation, image.path, path], signal);
      if (size > image.virtualSize) {
        const full = provisioning === 'fat' ? ['--preallocation=falloc'] : [];
        await qemuImg(['resize', '-q', '-f', 'qcow2', ...full, path, String(size)], signal);
      }
    }
  });
}

/** Without a time-out: a copy of the content takes as long as the pool needs, and the signal ends it. */
async function qemuImg(args: readonly string[], signal: AbortSignal): Promise<void> {
  const end = await runProgram('qemu-img', args, { signal });
  if (end.how !== 'exit')
    throw new ImageError('ProgramMissing', 'the program qemu-img, which makes disks, is not installed');
  if (end.code !== 0) throw diskError(end.errors);
}

/** Some file systems, such as tmpfs, refuse what QEMU does without a cache; there each write goes through to the pool. */
async function possibleCache(path: string, cache: CacheMode): Promise<CacheMode> {
  if (cache !== 'none') return cache;
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_DIRECT);
    await file.close();
    return cache;
  } catch (error) {
    if (errnoOf(error) === 'EINVAL') return 'writethrough';
    throw error;
  }
}

/** @returns bytes of the disk's virtual size, and those that its file takes */
export async function diskSizes(
  pool: Pool,
  disk: VmDisk,
): Promise<{ readonly size: number; readonly physicalSize: number }> {
  const volume = await requireVolume(pool, disk);
  try {
    const { virtualSize } = await readDiskHeader(volume.file, volume.path);
    const { blocks } = await volume.file.stat();
    return { size: virtualSize, physicalSize: blocks * 512 };
  } finally {
    await volume.file.close();
  }
}
