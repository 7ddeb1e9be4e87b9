/** Roll-outs as the command shows them: one bar each, since a roll-out may be about thousands of pools. */
import type { Rollout } from '../model/api-answers.ts';
import type { ApiClient } from './client.ts';
import type { Progress, Stage } from './deployments.ts';
import type { Tone } from './text.ts';

/** The newest first. */
export const listRollouts = (
  api: ApiClient,
  parameters: Readonly<Record<string, string | undefined>>,
  signal?: AbortSignal,
): Promise<readonly Rollout[]> =>
  api.list<Rollout>('listTemplateRollouts', 'templaterollout', parameters, signal);

const STAGES: Readonly<Record<Rollout['state'], Stage>> = {
  Running: 'running',
  Paused: 'waiting',
  Completed: 'ready',
  Failed: 'failed',
  Cancelled: 'cancelled',
};

export const TONE_OF_ROLLOUT: Readonly<Record<Rollout['state'], Tone>> = {
  Running: 'busy',
  Paused: 'busy',
  Completed: 'good',
  Failed: 'bad',
  Cancelled: 'faint',
};

/** `12 of 2000 are there, 3 failed, 10 under way, 1975 wait`. */
export function countsOf({ total, ready, failed, cancelled, running, queued }: Rollout): string {
  const others = [
    [failed, 'failed'],
    [cancelled, 'cancelled'],
    [running, 'under way'],
    [queued, queued === 1 ? 'waits' : 'wait'],
  ] as const;
  const parts = others.filter(([count]) => count > 0).map(([count, word]) => `${count} ${word}`);
  return [`${ready} of ${total} ${ready === 1 ? 'is' : 'are'} there`, ...parts].join(', ');
}

export function progressOfRollout(rollout: Rollout): Progress {
  const { id, zonename, state, bytes, totalbytes: total, percent, rate } = rollout;
  const counts = countsOf(rollout);
  return {
    id,
    name: zonename,
    stage: STAGES[state],
    text: state === 'Paused' ? `paused: ${counts}` : counts,
    bytes,
    total,
    percent,
    rate,
    secondsLeft: rate > 0 && total > bytes ? (total - bytes) / rate : undefined,
    host: '',
    source: '',
    next: '',
  };
}

/** Why copies are not there, a line for each reason. */
export const reasonsOf = ({ errors }: Rollout): readonly string[] =>
  errors.map(({ error, count, storagenames }) => {
    const more = count > storagenames.length ? ', …' : '';
    return `${count} × ${error} (${storagenames.join(', ')}${more})`;
  });

/** How a roll-out ended, in lines. */
export const outcomeOfRollout = (rollout: Rollout): readonly string[] => [
  `${rollout.zonename}: ${countsOf(rollout)}`,
  ...reasonsOf(rollout),
];
