/** Counts the copies of a template by state. */
import type { PoolOfTemplate } from '../../model/api-answers.ts';

/** Such as `2 of 4 pools, 1 failed`. @param pools all pools that the template is deployed to, at least one */
export function poolsOf(pools: readonly PoolOfTemplate[]): string {
  const count = (state: string): number =>
    pools.filter(({ downloadState }) => downloadState === state).length;
  const failed = count('DOWNLOAD_ERROR');
  return [
    `${count('DOWNLOADED')} of ${pools.length} ${pools.length === 1 ? 'pool' : 'pools'}`,
    ...(failed > 0 ? [`${failed} failed`] : []),
  ].join(', ');
}
