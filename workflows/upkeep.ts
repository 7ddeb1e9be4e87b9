/**
 * The one workflow that runs for ever. Two loops run side by side:
 *
 *   watch    activities of `watchMs` each, one after the other, record the heartbeats of all hosts
 *   rounds   each `roundMs`: repair → warn of certificates
 *
 * A repair also makes sure that the workflows of zones run: reports of hosts (host/reports.ts), credentials of doors, cleanup,
 * verifications. It finds rows that no workflow works on any more, after a crash or a termination by hand, and requests their
 * workflows again. When the history is long, the watch is cancelled first, and the run continues as new.
 *
 * No failure of one step may keep another step, another host or the next round from running: every call goes through
 * `logFailure`. Nothing here may hold state that the next run would miss: all of it is in the database, but for the number of
 * sweeps, which is here because a restored database forgets it (db/restored.ts).
 */
import { CancellationScope, log, patched, sleep, workflowInfo } from '@temporalio/workflow';
import type { NamedHost } from '../activities/control/reports.ts';
import type { SweepOptions } from '../activities/control/upkeep.ts';
import { workflowTypes } from '../model/names.ts';
import type { HostReport } from '../model/payloads.ts';
import { newRunParameters } from '../model/rules/released.ts';
import type { UpkeepTiming } from '../model/timing.ts';
import type { UpkeepInput } from '../model/upkeep.ts';
import { continueAs } from './continue-as-new.ts';
import { logFailure } from './failures.ts';
import { pushLimits } from './host/push-limits.ts';
import { askForReport } from './host/reports.ts';
import { control, longRunningControl } from './policies.ts';
import { timingOf } from './run-input.ts';
import { show } from './status.ts';

export async function upkeep(input: UpkeepInput): Promise<never> {
  const timing = timingOf('upkeep', input);
  show('Watching hosts, and repairing what a crash left behind.', { State: 'Watching' });
  const areZonesApart = patched('reports-by-zone');
  const watching = new CancellationScope();
  const watch = watching.run(() => watchHosts(timing));
  let { sweeps } = input;
  for (;;) {
    const reports = areZonesApart ? { reports: input.instead ?? {} } : {};
    sweeps = (await repair(timing, sweeps, reports)) ?? sweeps;
    if (!areZonesApart) await collectReportsOfAllZones(timing);
    if (workflowInfo().continueAsNewSuggested) break;
    await sleep(timing.roundMs, { summary: 'until the next round' });
  }
  watching.cancel();
  await watch;
  // Each run takes the rules and the timing of the release that starts it, since upkeep itself never ends.
  return continueAs(workflowTypes.upkeep, {
    ...input,
    ...newRunParameters('upkeep', input.instead),
    ...(sweeps === undefined ? {} : { sweeps }),
  });
}

/** Returns when its scope is cancelled. */
async function watchHosts({ watchEveryMs, watchMs }: UpkeepTiming): Promise<void> {
  while (!CancellationScope.current().consideredCancelled) {
    await logFailure('watch', () =>
      longRunningControl('Record the heartbeats of hosts').watchHosts({
        everyMs: watchEveryMs,
        forMs: watchMs,
      }),
    );
  }
}

/** @param sweeps number of the latest sweep @returns that of this one; undefined when it failed */
async function repair(
  { idleMs }: UpkeepTiming,
  sweeps: number | undefined,
  reports: Pick<SweepOptions, 'reports'>,
): Promise<number | undefined> {
  let count: number | undefined;
  await logFailure('repair', async () => {
    const swept = await longRunningControl('Repair').sweep({
      idleSeconds: idleMs / 1000,
      ...(sweeps === undefined ? {} : { count: sweeps }),
      ...reports,
    });
    count = swept.count;
    const { registrations, copies, deletions, machines, rollouts } = swept;
    const repaired = { registrations, copies, deletions, machines, rollouts };
    if (Object.values(repaired).some((found) => found > 0))
      log.warn('repaired what no workflow took care of', repaired);
  });
  await logFailure('certificates', () => control('Warn of certificates that expire soon').warnOfExpiry());
  return count;
}

/** What runs do that began in release 0.2.0: all zones one after the other. */
const collectReportsOfAllZones = (timing: UpkeepTiming): Promise<void> =>
  logFailure('reports', async () => {
    const hosts = await control('Choose the hosts whose reports are due').hostsToDescribe(timing);
    for (let at = 0; at < hosts.length; at += timing.reportsAtOnce)
      await collectReportsTogether(hosts.slice(at, at + timing.reportsAtOnce), timing);
  });

async function collectReportsTogether(hosts: readonly NamedHost[], timing: UpkeepTiming): Promise<void> {
  const replies = await Promise.all(
    hosts.map(async (host) => {
      let report: HostReport | undefined;
      await logFailure(`report of host ${host.name}`, async () => {
        report = await askForReport(host, timing);
      });
      return { host, report };
    }),
  );
  const answered = replies.flatMap(({ host, report }) => (report === undefined ? [] : [{ host, report }]));
  if (answered.length === 0) return;
  const reports = answered.map(({ report }) => report);
  const recorded = await control(`Record the reports of ${reports.length} hosts`).recordReports(reports);
  await Promise.all(
    recorded.map(async ({ outdated, problem }, at) => {
      const { host } = answered[at] as (typeof answered)[number];
      if (problem !== undefined) log.warn(`report of host ${host.name}: ${problem}`);
      if (outdated !== undefined)
        await logFailure(`limits of host ${host.name}`, () =>
          pushLimits(host, outdated, timingOf('limits', {})),
        );
    }),
  );
}
