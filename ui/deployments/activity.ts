/** The present activity of a host or a pool in one line. */
import type { Deployment } from '../../model/api-answers.ts';
import { rate } from '../elements/quantities.ts';
import { situationOf } from './situation.ts';

/** Such as `2 downloads, 80.0 MiB/s, 1 queued`. @param running running deployments of one host or pool */
export function activityOf(running: readonly Deployment[]): string {
  const queued = running.filter(({ phase }) => phase === 'waiting').length;
  const working = running.filter((one) => situationOf(one).mood === 'busy');
  const sum = working.reduce((total, one) => total + (one.rate ?? 0), 0);
  if (running.length === 0) return 'Nothing';
  return [
    `${working.length} ${working.length === 1 ? 'download' : 'downloads'}`,
    ...(sum > 0 ? [rate(sum)] : []),
    ...(queued > 0 ? [`${queued} queued`] : []),
  ].join(', ');
}
