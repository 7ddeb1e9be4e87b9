/**
 * A roll-out: one template or ISO onto many pools, some at a time. The list of its copies is in the database, and so is every
 * choice (db/rollouts/turns.ts): this workflow only looks now and then, and each look begins the copies whose turn it is,
 * or stops those of a roll-out that was cancelled. So however many pools there are, payloads and histories stay small.
 *
 *   Running     looks begin copies: a copy is one more caller of its own workflow, `copy:<template>:<pool>`
 *   Paused      looks begin none; copies under way go on
 *   Cancelled   the next look stops what nobody else waits for, and is the last
 *
 * When a copy is there, the step that records it begins the next ones (activities/control/gathered-ends.ts), without a look. A look is
 * woken by a timer, by signals of copies that ended otherwise or were the last, and of calls that changed the roll-out. All of these are
 * hints: the truth is the database, where the next look reads it when the timer has run out. Since nothing else is held here, a
 * signal that arrives while the run continues as new is not missed: the next run begins with a look.
 */
import {
  CancellationScope,
  condition,
  defineSignal,
  isCancellation,
  patched,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { RolloutActivities, RolloutLook } from '../../activities/control/rollouts.ts';
import { ENDED_SIGNAL, WANTED_SIGNAL, workflowTypes } from '../../model/names.ts';
import { endOfRollout } from '../../model/rollout.ts';
import type { RolloutInput, RolloutResult } from '../../model/rollout.ts';
import { backoffMs } from '../../model/timing.ts';
import { continueAs } from '../continue-as-new.ts';
import { control, patientLocalControl } from '../policies.ts';
import { show } from '../status.ts';

const endedSignal = defineSignal(ENDED_SIGNAL);
const wantedSignal = defineSignal(WANTED_SIGNAL);

export async function rollout(input: RolloutInput): Promise<RolloutResult> {
  const hints = receiveHints();
  const what = 'Begin what has its turn';
  // Within the workflow's own tasks: a roll-out to a fleet looks hundreds of times.
  const step = patched('local-looks') ? patientLocalControl(what) : control(what);
  try {
    return await lookUntilItEnds(input, hints, step);
  } catch (error) {
    if (!isCancellation(error)) throw error;
    // Cancelled in Temporal's own UI.
    await CancellationScope.nonCancellable(async () => {
      await control('Cancel the roll-out').cancelRollout(input.jobId, 'Temporal');
      await lookUntilItEnds(input, hints, step);
    });
    throw error;
  }
}

interface Hints {
  count: number;
}

function receiveHints(): Hints {
  const hints = { count: 0 };
  const receive = (): void => void (hints.count += 1);
  setHandler(endedSignal, receive);
  setHandler(wantedSignal, receive);
  return hints;
}

async function lookUntilItEnds(
  input: RolloutInput,
  hints: Hints,
  step: Pick<RolloutActivities, 'advanceRollout'>,
): Promise<RolloutResult> {
  let before = '';
  for (let round = 0; ; round += 1) {
    const { count } = hints;
    const look = await step.advanceRollout(input.jobId, input.timing);
    if (look === undefined) return { v: 1, total: 0, ready: 0, failed: 0, cancelled: 0 };
    showProgress(look);
    if (look.ended) return resultOf(look);
    if (workflowInfo().continueAsNewSuggested) await continueAs(workflowTypes.rollout, input);
    const progress = progressOf(look);
    if (progress !== before) round = 0;
    before = progress;
    if (look.more) continue;
    await condition(() => hints.count > count, backoffMs(input.timing.lookAgain, round), {
      summary: 'waiting before the next look',
    });
  }
}

const progressOf = ({ ready, failed, cancelled, running, state }: RolloutLook): string =>
  JSON.stringify([ready, failed, cancelled, running, state]);

function showProgress(look: RolloutLook): void {
  const { state, ended, running, queued, bytes, totalBytes } = look;
  const percent = totalBytes === 0 ? '' : ` ${Math.floor((100 * bytes) / totalBytes)} %:`;
  const way = `${mebibytes(bytes)} of ${mebibytes(totalBytes)}; ${endOfRollout(look)}`;
  if (ended) show(`Ended: ${way}.`, { State: state === 'Cancelled' ? 'Cancelled' : 'Ended' });
  else
    show(`${state}:${percent} ${way}, ${running} under way, ${queued} wait for their turn.`, {
      State: state,
    });
}

const mebibytes = (bytes: number): string => `${Math.floor(bytes / 1_048_576)} MiB`;

const resultOf = ({ total, ready, failed, cancelled }: RolloutLook): RolloutResult => ({
  v: 1,
  total,
  ready,
  failed,
  cancelled,
});
