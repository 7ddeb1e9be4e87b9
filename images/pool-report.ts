/** A pool with what lies on it of unfinished downloads. */
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { PoolReport } from '../model/payloads.ts';
import { errnoOf } from './files.ts';
import { copyOfPart, partsFolder } from './part-file.ts';
import type { Pool } from './pool.ts';

const BLOCK = 512;

/** Never throws: what is wrong is in `problem`. */
export async function reportPool(pool: Pool): Promise<PoolReport> {
  const report = await pool.report();
  if (!report.mounted) return report;
  try {
    return { ...report, parts: await partBytes(pool) };
  } catch (error) {
    return { ...report, problem: `its part files cannot be read (${(error as Error).message})` };
  }
}

/** Copy id → bytes that its part files take on disk. */
async function partBytes(pool: Pool): Promise<Readonly<Record<string, number>>> {
  const folder = partsFolder(pool);
  const names = await readdir(folder).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  });
  const parts: Record<string, number> = {};
  for (const name of names) {
    const copyId = copyOfPart(name);
    if (copyId === undefined) continue;
    parts[copyId] = (parts[copyId] ?? 0) + (await bytesOnDisk(join(folder, name)));
  }
  return parts;
}

async function bytesOnDisk(path: string): Promise<number> {
  try {
    return (await lstat(path)).blocks * BLOCK;
  } catch (error) {
    // Published or superseded meanwhile.
    if (errnoOf(error) === 'ENOENT') return 0;
    throw error;
  }
}
