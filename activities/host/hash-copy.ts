/** Computes the SHA-256 of a published copy, from its file as it lies on the pool now. */
import { digestsOf, sha256Of } from '../../images/hashing/digester.ts';
import { hashSlowly } from '../../images/hashing/slow-hash.ts';
import type { Pools } from '../../images/pools/pools.ts';
import type { HashJob } from '../../model/verification.ts';
import { withHeartbeats } from '../context.ts';

/** @returns undefined when there is no such file */
export async function hashCopy(
  { poolId, copyId, bytesPerSecond }: HashJob,
  pools: Pick<Pools, 'require'>,
): Promise<string | undefined> {
  const pool = await pools.require(poolId);
  const stored = await pool.openPublished(copyId);
  if (stored === undefined) return undefined;
  const { file } = stored;
  try {
    if (bytesPerSecond !== undefined)
      return await withHeartbeats(null, ({ signal }) => hashSlowly(file, { bytesPerSecond, signal }));
    const { size } = await file.stat();
    return await withHeartbeats(null, async ({ signal }) =>
      sha256Of(await digestsOf(file, size, { algorithms: ['SHA-256'], signal })),
    );
  } finally {
    await file.close();
  }
}
