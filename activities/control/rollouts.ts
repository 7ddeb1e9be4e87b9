/** The control side of roll-outs. */
import pLimit from 'p-limit';
import { recordRolloutEnd } from '../../db/rollouts/end.ts';
import { findRollout, runningCopies } from '../../db/rollouts/listing.ts';
import type { RolloutListRow } from '../../db/rollouts/listing.ts';
import { cancelRollout } from '../../db/rollouts/rollouts.ts';
import type { CopyUuids } from '../../db/jobs/jobs.ts';
import { copiesToStop, leftDue, markBegun, markStopped, takeTurns } from '../../db/rollouts/turns.ts';
import type { CopyOfRollout, CopyToStop } from '../../db/rollouts/turns.ts';
import { rolloutWorkflowId } from '../../model/names.ts';
import { MAX_LIVE_COPIES, ROLLOUT_PRIORITY, ROLLOUT_TIMING, bytesOfRollout } from '../../model/rollout.ts';
import type { RolloutBytes, RolloutCounts, RolloutState, RolloutTiming } from '../../model/rollout.ts';
import { workflowId } from '../context.ts';
import type { LiveCopy } from '../../orchestration/live.ts';
import { runningBytes } from '../../orchestration/rollouts.ts';
import type { ControlDeps } from './deps.ts';

/** What a look at a roll-out has found, after it began what it could. */
export interface RolloutLook extends RolloutCounts, RolloutBytes {
  readonly state: RolloutState;
  /** Nothing is left to begin, to wait for, or to stop. */
  readonly ended: boolean;
  /** The look began as many copies as one may, so that the next one begins more. */
  readonly more: boolean;
}

export interface RolloutActivities {
  /** Begins the copies whose turn it is, or stops those of a roll-out that was cancelled. Undefined: its job is gone. */
  advanceRollout(jobId: string, timing: RolloutTiming): Promise<RolloutLook | undefined>;
  /** Cancels a roll-out whose workflow was cancelled in Temporal. */
  cancelRollout(jobId: string, by: string): Promise<void>;
}

/** Requests to Temporal at the same time. */
const MAX_CONCURRENT_REQUESTS = 8;

/**
 * Begins the copies of a roll-out whose turn has come since one of its copies ended, so that its workflow need not look. It must
 * when the roll-out has ended or is to end.
 */
export async function goOnWithRollout(
  { db, orchestration }: Pick<ControlDeps, 'db' | 'orchestration'>,
  jobId: string,
  ended: CopyUuids,
): Promise<void> {
  const { stalledMs, mostOfLook: most } = ROLLOUT_TIMING;
  const copies = await takeTurns(db, jobId, { stalledMs, most });
  if (copies !== undefined) await begin({ db, orchestration }, jobId, copies);
  else await orchestration.signalEnded(ended, [rolloutWorkflowId(jobId)]);
}

async function begin(
  { db, orchestration }: Pick<ControlDeps, 'db' | 'orchestration'>,
  jobId: string,
  copies: readonly CopyOfRollout[],
): Promise<void> {
  const lost: unknown[] = [];
  const requested: string[] = [];
  await inTurn(copies, async ({ templateId, poolId, template, pool }) => {
    try {
      await orchestration.requestDeployment(
        { templateId, poolId },
        { names: { template, pool }, listener: rolloutWorkflowId(jobId), priority: ROLLOUT_PRIORITY },
      );
      requested.push(poolId);
    } catch (error) {
      lost.push(error);
    }
  });
  if (requested.length > 0) {
    const begun = await markBegun(db, jobId, requested);
    const cancelled = requested.filter((poolId) => !begun.includes(poolId));
    // The roll-out was cancelled meanwhile, when there may have been no workflows to stop yet.
    if (cancelled.length > 0) await stop(orchestration, await copiesToStop(db, jobId, cancelled));
  }
  if (lost.length > 0) throw lost[0];
}

const stop = (orchestration: ControlDeps['orchestration'], copies: readonly CopyToStop[]): Promise<unknown> =>
  inTurn(copies, ({ templateId, poolId, by, at }) =>
    orchestration.signalStop({ templateId, poolId }, { by, remove: false, at }),
  );

export function createRolloutActivities({ db, orchestration }: ControlDeps): RolloutActivities {
  const stopAll = async (jobId: string): Promise<void> => {
    await stop(orchestration, await copiesToStop(db, jobId));
    await markStopped(db, jobId);
  };

  /** A look that begins copies asks nothing of Temporal for it: the next one that begins none does. */
  const bytesOf = async (rollout: RolloutListRow, begun: number): Promise<RolloutBytes> => {
    const copies = await runningCopies(db, [rollout.uuid], MAX_LIVE_COPIES);
    const live = begun > 0 ? new Map<string, LiveCopy>() : await orchestration.live(copies);
    return bytesOfRollout(rollout, rollout.size, runningBytes(copies, live));
  };

  return {
    async advanceRollout(jobId, timing) {
      const taken = await takeTurns(db, jobId, { stalledMs: timing.stalledMs, most: timing.mostOfLook });
      const copies = [...(taken ?? []), ...(await leftDue(db, jobId, timing.requestMs))];
      await begin({ db, orchestration }, jobId, copies);
      const begun = copies.length;
      const rollout = await findRollout(db, jobId);
      if (rollout === undefined) return undefined;
      // Once it is cancelled, no further copies come to be stopped: none is missed between the look and the note.
      if (rollout.state === 'Cancelled') await stopAll(jobId);
      const { state, total, ready, failed, cancelled, running, queued } = rollout;
      const ended = running + queued === 0;
      if (ended) await recordRolloutEnd(db, rollout, workflowId());
      const bytes = await bytesOf(rollout, begun);
      const more = begun >= timing.mostOfLook;
      return { state, total, ready, failed, cancelled, running, queued, ...bytes, ended, more };
    },

    async cancelRollout(jobId, by) {
      await cancelRollout(db, jobId, by);
    },
  };
}

const inTurn = <C>(copies: readonly C[], request: (copy: C) => Promise<void>): Promise<unknown> =>
  pLimit(MAX_CONCURRENT_REQUESTS).map(copies, request);
