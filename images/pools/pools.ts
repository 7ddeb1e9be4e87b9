/** The configured pools of a host, including those that are not mounted. */
import pLimit from 'p-limit';
import { ImageError } from '../../model/failures.ts';
import type { PoolReport } from '../../model/payloads.ts';
import { errnoOf } from '../../platform/errno.ts';
import { openPool, POOL_KINDS } from './kinds.ts';
import type { PoolKinds } from './kinds.ts';
import type { Pool, PoolConfig } from './pool.ts';

/** Remembers which pool was at which path: a path that was a pool before is never marked again. */
export interface KnownPools {
  idOf(path: string): string | undefined;
  remember(path: string, id: string): Promise<void>;
}

export interface PoolsReport {
  readonly pools: readonly PoolReport[];
  /** Problems of pools without a known id, which were never mounted on this host. */
  readonly problems: readonly string[];
}

export interface Pools {
  /**
   * The pool with this id, mounted or not. Pools that could not be opened before are tried again.
   * @throws ImageError PoolNotMounted when none of this host's pools has that id
   */
  require(id: string): Promise<Pool>;
  /** Never throws. */
  report(): Promise<PoolsReport>;
}

export function createPools(
  configs: readonly PoolConfig[],
  known: KnownPools,
  kinds: PoolKinds = POOL_KINDS,
): Pools {
  const opened = new Map<string, Pool>();
  const problems = new Map<string, string>();

  const openMissing = async (): Promise<void> => {
    const missing = configs.filter(({ path }) => ![...opened.values()].some((p) => p.config.path === path));
    for (const config of missing) {
      try {
        const pool = await openKnown(config, known, kinds);
        const twin = opened.get(pool.id);
        if (twin !== undefined) throw sameAs(config, twin);
        opened.set(pool.id, pool);
        problems.delete(config.path);
      } catch (error) {
        problems.set(config.path, `pool ${config.name}: ${sentence(error, config)}`);
      }
    }
  };
  /** Opens pools one at a time, so that none is opened twice. */
  const oneAtATime = pLimit(1);
  const open = (): Promise<void> => oneAtATime(openMissing);

  return {
    async require(id) {
      if (!opened.has(id)) await open();
      const pool = opened.get(id);
      if (pool !== undefined) return pool;
      throw new ImageError('PoolNotMounted', 'this host has no such pool');
    },
    async report() {
      await open();
      const pools = await Promise.all([...opened.values()].map((pool) => pool.report()));
      return { pools, problems: [...problems.values()] };
    },
  };
}

async function openKnown(config: PoolConfig, known: KnownPools, kinds: PoolKinds): Promise<Pool> {
  const before = known.idOf(config.path);
  const pool = await openPool(config, before, kinds);
  if (before === undefined) await known.remember(config.path, pool.id);
  return pool;
}

const sameAs = ({ path }: PoolConfig, { config }: Pool): ImageError =>
  new ImageError('PoolNotMounted', `${path} is the same pool as ${config.path} (${config.name})`);

function sentence(error: unknown, { path }: PoolConfig): string {
  if (error instanceof ImageError) return error.message;
  if (errnoOf(error) === 'ENOENT') return `${path} does not exist: make the folder, or mount the pool there`;
  if (errnoOf(error) === 'ENOTDIR') return `${path} is not a folder`;
  return `${path} cannot be used (${(error as Error).message})`;
}
