/** Hashes a published copy, from its file as it lies on the pool now. */
import { hashImage } from '../../images/hashing/hashed-image.ts';
import type { HashedImage } from '../../images/hashing/hashed-image.ts';
import { hashSlowly } from '../../images/hashing/slow-hash.ts';
import type { Pools } from '../../images/pools/pools.ts';
import type { HashJob } from '../../model/verification.ts';
import { withHeartbeats } from '../context.ts';

/** @returns undefined when there is no such file */
export async function hashCopy(
  { poolId, copyId, bytesPerSecond }: HashJob,
  pools: Pick<Pools, 'require'>,
): Promise<HashedImage | undefined> {
  const pool = await pools.require(poolId);
  const stored = await pool.openPublished(copyId);
  if (stored === undefined) return undefined;
  const { file } = stored;
  try {
    return await withHeartbeats(null, ({ signal }) =>
      bytesPerSecond === undefined ? hashImage(file, signal) : hashSlowly(file, { bytesPerSecond, signal }),
    );
  } finally {
    await file.close();
  }
}
