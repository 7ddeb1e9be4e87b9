/** The report of a pool: its space, and the disk use of unfinished downloads by copy. */
import { lstat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { PoolReport } from '../../../model/payloads.ts';
import { errnoOf } from '../../../platform/errno.ts';
import { readMarker } from './marker.ts';
import { copyOfPart, namesInPartsFolder, partsFolder } from './part-file.ts';
import type { Pool } from '../pool.ts';

const BLOCK = 512;
/** Maximum number of copies in one report: a report must fit into a message, however many files the pool has. */
const MAX_COPIES = 4096;

/** Never throws: a failure becomes the report's `problem`. */
export async function reportPool(pool: Pool): Promise<PoolReport> {
  const report = await reportRoom(pool);
  if (!report.mounted) return report;
  try {
    return { ...report, parts: await partBytes(pool) };
  } catch (error) {
    return { ...report, problem: `its part files cannot be read (${(error as Error).message})` };
  }
}

async function reportRoom({ id, config }: Pool): Promise<PoolReport> {
  const { path, name, type, scope } = config;
  const base = { id, name, type, scope, path };
  try {
    await readMarker(config, id);
    const { blocks, bavail, bsize } = await statfs(path);
    return { ...base, capacity: blocks * bsize, free: bavail * bsize, mounted: true };
  } catch (error) {
    return { ...base, capacity: 0, free: 0, mounted: false, problem: (error as Error).message };
  }
}

/** Copy id → bytes that its part files take on disk. */
async function partBytes(pool: Pool): Promise<Readonly<Record<string, number>>> {
  const parts: Record<string, number> = {};
  let copies = 0;
  for await (const name of namesInPartsFolder(pool)) {
    const copyId = copyOfPart(name);
    if (copyId === undefined) continue;
    if (parts[copyId] === undefined && (copies += 1) > MAX_COPIES) continue;
    parts[copyId] = (parts[copyId] ?? 0) + (await bytesOnDisk(join(partsFolder(pool), name)));
  }
  return parts;
}

async function bytesOnDisk(path: string): Promise<number> {
  try {
    return (await lstat(path)).blocks * BLOCK;
  } catch (error) {
    // The file was published or superseded meanwhile.
    if (errnoOf(error) === 'ENOENT') return 0;
    throw error;
  }
}
