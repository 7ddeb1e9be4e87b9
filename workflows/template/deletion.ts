/**
 * A template is deleted in three steps: nobody can deploy it any more; its copies are removed, each by its own workflow;
 * its rows are removed.
 */
import { CancellationScope, defineSignal, setHandler, sleep, workflowInfo } from '@temporalio/workflow';
import { WANTED_SIGNAL, copyWorkflowId, workflowTypes } from '../../model/names.ts';
import type { DeletionInput, DeletionResult } from '../../model/payloads.ts';
import { backoffMs } from '../../model/timing.ts';
import { continueAs } from '../continue-as-new.ts';
import { receiveEndNotices } from '../end-notices.ts';
import type { EndNotices } from '../end-notices.ts';
import { isFailure, messageOf, unwrapped } from '../failures.ts';
import { control, longRunningControl } from '../policies.ts';
import { timingOf } from '../run-input.ts';
import { show } from '../status.ts';

const wantedSignal = defineSignal(WANTED_SIGNAL);

export async function deletion(input: DeletionInput): Promise<DeletionResult> {
  let requested = 0;
  setHandler(wantedSignal, () => {
    requested += 1;
  });
  const notices = receiveEndNotices();
  try {
    for (;;) {
      await removeCopies(input, notices);
      const served = requested;
      await control('Remove the rows, end the jobs').finishDeletion(input);
      if (requested === served) break;
    }
    show('Deleted.', { State: 'Removed' });
    return { v: 1, deleted: input.templateId };
  } catch (error) {
    if (!isFailure(error)) throw error;
    await CancellationScope.nonCancellable(() =>
      control('End the jobs with the failure').failDeletion(input.templateId, messageOf(error)),
    );
    throw unwrapped(error);
  }
}

/** Each removal waits for a host where it must; one that was terminated by hand is requested again. */
async function removeCopies(input: DeletionInput, notices: EndNotices): Promise<void> {
  const { templateId } = input;
  const { lookAgain } = timingOf('deletion', input);
  let notified = false;
  for (let round = 0; ; round += 1) {
    const { name, copies } = await control('Take the template off the lists').beginDeletion(templateId);
    if (copies.length === 0) return;
    // Removals that ended without removing their copies would do so again at once.
    if (notified) await sleep(backoffMs(lookAgain, round), { summary: 'waiting before the next look' });
    show(`Deleting ${name}: ${copies.length} copies are to be removed from pools.`, { State: 'Removing' });
    const doomed = { templateId, name, copies, again: round > 0 };
    await longRunningControl(`Request ${copies.length} removals`).requestRemovals(doomed);
    const running = copies.map(({ poolId }) => copyWorkflowId(templateId, poolId));
    notified = await notices.waitForAll(running, backoffMs(lookAgain, round));
    for (const id of running) notices.forget(id);
    if (workflowInfo().continueAsNewSuggested) await continueAs(workflowTypes.deletion, input);
  }
}
