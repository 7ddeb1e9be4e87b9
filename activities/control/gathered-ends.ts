/**
 * Tells those that wait for a copy that it is there. Workflows get a signal. Of a roll-out, whoever records the end of a copy
 * begins the copies whose turn it is then (rollouts.ts): a signal would cost the server three writes and the roll-out a look, for
 * nearly each of its copies. However many end at once, it is done once:
 *
 *   quiet    the end of a copy lets the roll-out go on at once
 *   busy     until that is done, and for a pause after it, ends are only noted; then it goes on once for all of them, and is quiet
 *            again after a pause without an end
 *
 * What is noted is lost when the control worker stops meanwhile. The roll-out looks by itself as well: after some seconds where its
 * last look had found progress, else after 15 s at the latest.
 */
import type { CopyUuids } from '../../db/jobs/jobs.ts';
import { jobOfRollout } from '../../model/names.ts';
import type { Orchestration } from '../../orchestration/orchestration.ts';

const PAUSE_MS = 1000;

export interface GatheredEnds {
  /** Rejects when a workflow that was to be told at once was not. */
  tell(copy: CopyUuids, listeners: readonly string[]): Promise<void>;
}

/** Lets a roll-out go on, since this copy of it has ended. */
export type GoOn = (jobId: string, copy: CopyUuids) => Promise<void>;

/** @param onLost gets the reason why a roll-out could not go on */
export function gatherEnds(
  orchestration: Pick<Orchestration, 'signalEnded'>,
  goOn: GoOn,
  onLost: (error: unknown) => void,
  pauseMs = PAUSE_MS,
): GatheredEnds {
  /** Roll-outs that are busy, by their jobs, each with the copy that ended last meanwhile. */
  const busy = new Map<string, CopyUuids | undefined>();

  const goOnUntilQuiet = async (jobId: string, first: CopyUuids): Promise<void> => {
    for (let ended: CopyUuids | undefined = first; ended !== undefined; ended = busy.get(jobId)) {
      busy.set(jobId, undefined);
      await goOn(jobId, ended).catch(onLost);
      await new Promise<void>((resolve) => void setTimeout(resolve, pauseMs).unref());
    }
    busy.delete(jobId);
  };

  return {
    async tell(copy, listeners) {
      for (const jobId of listeners.flatMap((id) => jobOfRollout(id) ?? [])) {
        if (busy.has(jobId)) busy.set(jobId, copy);
        else void goOnUntilQuiet(jobId, copy);
      }
      const others = listeners.filter((id) => jobOfRollout(id) === undefined);
      if (others.length > 0) await orchestration.signalEnded(copy, others);
    },
  };
}
