/** Removing a copy from a pool. */
import { syncFolder } from '../../../platform/replace-file.ts';
import { unlinkIfThere } from '../../regular-files.ts';
import { removeParts } from './part-file.ts';
import type { Pool } from '../pool.ts';
import { publishedPath } from './publish.ts';

/**
 * Unlinks the published file and the part files of a copy. Idempotent.
 * @returns number of unlinked files
 * @throws ImageError PoolNotMounted when the root is not this pool now
 */
export async function removeCopy(pool: Pool, copyId: string): Promise<number> {
  await pool.check();
  const parts = await removeParts(pool, copyId);
  const published = await unlinkIfThere(publishedPath(pool, copyId));
  await syncFolder(pool.config.path);
  return parts + (published ? 1 : 0);
}
