/** The pools of this host as the transfer thread sees them: those that the host worker knows. None is marked here. */
import { openPool } from '../../images/pools/kinds.ts';
import type { Pool, PoolConfig } from '../../images/pools/pool.ts';
import { loadKnownPools } from '../host-state.ts';

/** Looks again for those that were not known before, such as one that was mounted late. */
export function openKnownPools(
  configs: readonly PoolConfig[],
  stateDir: string,
): () => Promise<readonly Pool[]> {
  const opened = new Map<string, Pool>();
  return async () => {
    if (opened.size < configs.length) {
      const known = await loadKnownPools(stateDir);
      for (const config of configs) {
        const id = known.idOf(config.path);
        if (id !== undefined && !opened.has(config.path)) opened.set(config.path, await openPool(config, id));
      }
    }
    return [...opened.values()];
  };
}
