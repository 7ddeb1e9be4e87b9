/**
 * Tells the workflows that wait for a copy that it is there. A roll-out gets few signals, however many of its copies end at
 * once: each one costs the server writes and the roll-out a look, and the first look after them finds all that have ended.
 *
 *   quiet    the end of a copy is told at once, and begins a pause
 *   paused   ends are only noted; after the pause, one signal tells all of them and begins the next pause; after a pause without
 *            an end the roll-out is quiet again
 *
 * A gathered signal is lost when it cannot be sent, or the control worker stops meanwhile. Then the roll-out looks again by itself:
 * in a second or two where its last look had found progress, else after 15 s at the latest. All other workflows wait for each
 * single copy, and are told at once.
 */
import type { CopyUuids } from '../../db/jobs/jobs.ts';
import { isRollout } from '../../model/names.ts';
import type { Orchestration } from '../../orchestration/orchestration.ts';

const PAUSE_MS = 1000;

export interface GatheredEnds {
  /** Rejects when a workflow that was to be told at once was not. */
  tell(copy: CopyUuids, listeners: readonly string[]): Promise<void>;
}

/** @param onLost gets the reason why a gathered signal could not be sent */
export function gatherEnds(
  orchestration: Pick<Orchestration, 'signalEnded'>,
  onLost: (error: unknown) => void,
  pauseMs = PAUSE_MS,
): GatheredEnds {
  /** Roll-outs in their pause, each with the copy that ended last meanwhile. */
  const paused = new Map<string, CopyUuids | undefined>();

  const pause = (rollout: string): void => {
    paused.set(rollout, undefined);
    setTimeout(() => void endPause(rollout), pauseMs).unref();
  };

  const endPause = async (rollout: string): Promise<void> => {
    const copy = paused.get(rollout);
    paused.delete(rollout);
    if (copy === undefined) return;
    pause(rollout);
    try {
      await orchestration.signalEnded(copy, [rollout]);
    } catch (error) {
      onLost(error);
    }
  };

  /** Whether the workflow is to be told now. */
  const isDue = (copy: CopyUuids, listener: string): boolean => {
    if (!isRollout(listener)) return true;
    if (paused.has(listener)) {
      paused.set(listener, copy);
      return false;
    }
    pause(listener);
    return true;
  };

  return {
    async tell(copy, listeners) {
      const due = listeners.filter((listener) => isDue(copy, listener));
      if (due.length > 0) await orchestration.signalEnded(copy, due);
    },
  };
}
