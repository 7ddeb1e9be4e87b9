/** The implementation of each pool type. A new kind is one folder beside files/, and one line here. */
import type { PoolType } from '../../model/states.ts';
import { openFilesPool } from './files/pool.ts';
import type { Pool, PoolConfig } from './pool.ts';

/**
 * Opens a pool of one kind.
 * @param knownId the id that the pool at this path had before, if the host knows it
 * @throws ImageError PoolNotMounted when the pool has no marker and must not get one
 */
export type PoolKind = (config: PoolConfig, knownId?: string) => Promise<Pool>;

export type PoolKinds = Readonly<Record<PoolType, PoolKind>>;

export const POOL_KINDS: PoolKinds = {
  Filesystem: openFilesPool,
  NetworkFilesystem: openFilesPool,
  SharedMountPoint: openFilesPool,
};

export const openPool = (
  config: PoolConfig,
  knownId?: string,
  kinds: PoolKinds = POOL_KINDS,
): Promise<Pool> => kinds[config.type](config, knownId);
