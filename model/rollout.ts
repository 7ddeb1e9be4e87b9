/** Messages and times of roll-outs: one template or ISO for many pools of a zone, by one call of prepareTemplate. */
import type { Backoff } from './timing.ts';

/** As `template_rollout.state` holds it; that it has ended, its job says. */
export type RolloutState = 'Running' | 'Paused' | 'Cancelled';

/** What its pools were chosen by. */
export const ROLLOUT_SELECTIONS = ['zone', 'cluster', 'pools', 'tag'] as const;
export type RolloutSelection = (typeof ROLLOUT_SELECTIONS)[number];

/** In the hosts' order of downloads: after virtual machines (1), and after copies that somebody asked for singly (3). */
export const ROLLOUT_PRIORITY = 5;

/** In milliseconds. The input of a run carries its own values, which tests shorten. */
export interface RolloutTiming {
  /** Between reads of the database. Whoever records the end of a copy begins others before, and signals only what it cannot do. */
  readonly lookAgain: Backoff;
  /** A copy that has fetched nothing for so long gives its turn to another: its host is away, or its pool is full. */
  readonly stalledMs: number;
  /** Copies that are begun at most in one go, so that it stays short; a look that began so many is followed by the next one at once. */
  readonly mostOfLook: number;
  /** A copy whose turn came so long ago, and whose workflow was not requested, is requested by a look. Default: 30 s. */
  readonly requestMs?: number;
}

/** The timing of new runs. */
export const ROLLOUT_TIMING: RolloutTiming = {
  lookAgain: { firstMs: 5000, mostMs: 15_000 },
  stalledMs: 120_000,
  mostOfLook: 100,
};

export interface RolloutInput {
  readonly v: 1;
  /** UUID of its job. */
  readonly jobId: string;
  readonly timing: RolloutTiming;
}

/** How many of the copies are so. */
export interface RolloutCounts {
  readonly total: number;
  readonly ready: number;
  readonly failed: number;
  readonly cancelled: number;
  /** Begun, and not settled. */
  readonly running: number;
  /** Not begun yet. */
  readonly queued: number;
}

export interface RolloutResult extends Pick<RolloutCounts, 'total' | 'ready' | 'failed' | 'cancelled'> {
  readonly v: 1;
}

/** As the end of a sentence: `of 20 copies, 18 are there, 2 failed`. */
export function endOfRollout({
  total,
  ready,
  failed,
  cancelled,
}: Pick<RolloutCounts, 'total' | 'ready' | 'failed' | 'cancelled'>): string {
  const parts = [
    `${ready} ${ready === 1 ? 'is' : 'are'} there`,
    ...(failed === 0 ? [] : [`${failed} failed`]),
    ...(cancelled === 0 ? [] : [`${cancelled} ${cancelled === 1 ? 'was' : 'were'} cancelled`]),
  ];
  return `of ${total} ${total === 1 ? 'copy' : 'copies'}, ${parts.join(', ')}`;
}

/** The progress of a roll-out by bytes. */
export interface RolloutBytes {
  readonly bytes: number;
  readonly totalBytes: number;
}

/**
 * @param size bytes of one copy; 0 while they are not known
 * @param running bytes that are there of each copy under way
 */
export const bytesOfRollout = (
  { total, ready }: Pick<RolloutCounts, 'total' | 'ready'>,
  size: number,
  running: readonly number[],
): RolloutBytes => ({
  bytes: running.reduce((sum, bytes) => sum + (size === 0 ? bytes : Math.min(size, bytes)), ready * size),
  totalBytes: total * size,
});

/** Copies under way whose progress is asked of Temporal for one answer; of others only what their pools reported counts. */
export const MAX_LIVE_COPIES = 100;
