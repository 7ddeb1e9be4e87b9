/** The state of a pool in one word. A pool without a host that is up is unusable, whatever its own state. */
import type { StoragePool } from '../../model/api-answers.ts';
import { isServed } from '../deployments/deploy.ts';
import type { Mood } from '../elements/mood.ts';

export function poolState(pool: StoragePool): { readonly mood: Mood; readonly word: string } {
  if (pool.state !== 'Up') return { mood: 'idle', word: pool.state };
  return isServed(pool) ? { mood: 'good', word: 'Up' } : { mood: 'bad', word: 'No host' };
}
