/** Chooses a host for a copy, and reserves the copy's space on the pool: for runs that do not choose both in one step (place.ts). */
import { CancellationScope } from '@temporalio/workflow';
import type { ChosenHost } from '../../activities/control/sealing.ts';
import { bytesOfPlan, describeNoRoom } from '../../model/space.ts';
import { backoffMs } from '../../model/timing.ts';
import { continueWhenSuggested } from '../continue-as-new.ts';
import { endingFailure, isFailure } from '../failures.ts';
import { control, quick } from '../policies.ts';
import { waitVisibly } from '../status.ts';
import type { CopyRun } from './attempt.ts';

/**
 * Waits until a host can work on the copy and the pool has room for it. A new request for the copy ends a wait early.
 * @throws ApplicationFailure when every host of the pool has failed in a way that does not pass
 */
export async function hostWithRoom(run: CopyRun): Promise<ChosenHost> {
  const { plan, timing, requests } = run;
  for (let round = 0; ; round += 1) {
    const wantedBefore = requests.wanted;
    const wake = (): boolean => requests.wanted > wantedBefore;
    const { excluded, avoided } = run.history;
    const choice = await control('Choose a host').chooseHost({ copyId: plan.copyId, excluded, avoided });
    if (choice.host === undefined) {
      if (choice.hopeless && run.last !== undefined) throw endingFailure(run.last);
      const ms = backoffMs(timing.hostWait, round);
      const { reason, publicReason } = choice;
      await waitVisibly({ word: 'NoHost', reason, publicReason, ms }, wake);
    } else {
      if (choice.reportAgeMs > timing.reportFreshMs) await refreshReport(choice.host, run);
      const room = await control('Reserve space on the pool').reserveSpace(plan.copyId, bytesOfPlan(plan));
      if (room.granted) return choice.host;
      const reason = describeNoRoom(room);
      await waitVisibly({ word: 'NoSpace', reason, ms: backoffMs(timing.spaceWait, round) }, wake);
    }
    await continueWhenSuggested(run);
  }
}

/** A failure changes nothing here: a host that does not answer will not take the download either. */
export async function refreshReport(
  { hostId, hostName }: Pick<ChosenHost, 'hostId' | 'hostName'>,
  { timing }: CopyRun,
): Promise<void> {
  const summary = `Free space as host ${hostName} sees it`;
  try {
    const host = quick(hostId, { summary, takeMs: timing.quickTakeMs, runMs: timing.reportRunMs });
    await control('Record the report').recordReport(await host.describeHost({ v: 1 }));
  } catch (error) {
    if (!isFailure(error) || CancellationScope.current().consideredCancelled) throw error;
  }
}
