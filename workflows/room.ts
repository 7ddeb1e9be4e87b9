/** A host for a copy, on a pool that has room for it. */
import { CancellationScope } from '@temporalio/workflow';
import type { ChosenHost } from '../activities/control-sealing.ts';
import { growing } from '../model/timing.ts';
import { goOnWhenLong } from './continuing.ts';
import type { CopyRun } from './attempt.ts';
import { ending, isFailure } from './failures.ts';
import { control, quick } from './policies.ts';
import { waitVisibly } from './status.ts';

/**
 * Waits until there is one.
 * @throws ApplicationFailure when every host that has the pool has failed in a way that does not pass
 */
export async function hostWithRoom(run: CopyRun): Promise<ChosenHost> {
  const { plan, timing, requests } = run;
  for (let round = 0; ; round += 1) {
    const asked = requests.wanted;
    const wake = (): boolean => requests.wanted > asked;
    const { excluded, avoided } = run.history;
    const choice = await control('Choose a host').chooseHost({ copyId: plan.copyId, excluded, avoided });
    if (choice.host === undefined) {
      if (choice.hopeless && run.last !== undefined) throw ending(run.last);
      const ms = growing(timing.hostWait, round);
      await waitVisibly({ word: 'NoHost', reason: choice.reason, ms }, wake);
    } else {
      if (choice.reportAgeMs > timing.reportFreshMs) await askForReport(choice.host, run);
      const room = await control('Reserve space on the pool').reserveSpace(
        plan.copyId,
        plan.planned ?? plan.size,
      );
      if (room.granted) return choice.host;
      const reason =
        `pool ${room.poolName} has no room: ${mebibytes(room.needed)} needed, ${mebibytes(room.free)} free, ` +
        `of which other downloads have reserved ${mebibytes(room.reserved)}`;
      await waitVisibly({ word: 'NoSpace', reason, ms: growing(timing.spaceWait, round) }, wake);
    }
    await goOnWhenLong(run);
  }
}

const RUN_MS = 15_000;

/** A host that does not answer will show it in the download as well. */
async function askForReport({ hostId, hostName }: ChosenHost, { timing }: CopyRun): Promise<void> {
  const summary = `Free space as host ${hostName} sees it`;
  try {
    const host = quick(hostId, { summary, takeMs: timing.quickTakeMs, runMs: RUN_MS });
    await control('Record the report').recordReport(await host.describeHost({ v: 1 }));
  } catch (error) {
    if (!isFailure(error) || CancellationScope.current().consideredCancelled) throw error;
  }
}

const mebibytes = (bytes: number): string => `${Math.ceil(bytes / 1_048_576)} MiB`;
