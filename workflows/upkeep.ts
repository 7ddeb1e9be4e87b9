/**
 * The one workflow that runs for ever. Two loops run side by side:
 *
 *   watch    activities of `watchMs` each, one after the other, record the heartbeats of all hosts
 *   rounds   each `roundMs`: repair → warn of certificates → reports of the hosts whose turn it is → limits that differ
 *
 * A repair finds rows that no workflow works on any more, after a crash or a termination by hand, and requests their
 * workflows again. When the history is long, the watch is cancelled first, and the run continues as new.
 *
 * No failure of one step may keep another step, another host or the next round from running: every call goes through
 * `logFailure`. Nothing here may hold state that the next run would miss: all of it is in the database, but for the number of
 * sweeps, which is here because a restored database forgets it (db/restored.ts).
 */
import { CancellationScope, isCancellation, log, sleep, workflowInfo } from '@temporalio/workflow';
import type { NamedHost } from '../activities/control/upkeep.ts';
import { workflowTypes } from '../model/names.ts';
import type { HostReport, UpkeepInput } from '../model/payloads.ts';
import { newRunParameters } from '../model/rules/released.ts';
import type { UpkeepTiming } from '../model/timing.ts';
import { continueAs } from './continue-as-new.ts';
import { isFailure, messageOf } from './failures.ts';
import { pushLimits } from './host/push-limits.ts';
import { control, longRunningControl, quick } from './policies.ts';
import { timingOf } from './run-input.ts';
import { show } from './status.ts';

export async function upkeep(input: UpkeepInput): Promise<never> {
  const timing = timingOf('upkeep', input);
  show('Watching hosts, and repairing what a crash left behind.', { State: 'Watching' });
  const watching = new CancellationScope();
  const watch = watching.run(() => watchHosts(timing));
  let { sweeps } = input;
  for (;;) {
    sweeps = (await repair(timing, sweeps)) ?? sweeps;
    await collectReports(timing);
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
    await logFailure(() =>
      longRunningControl('Record the heartbeats of hosts').watchHosts({
        everyMs: watchEveryMs,
        forMs: watchMs,
      }),
    );
  }
}

/** @param sweeps number of the latest sweep @returns that of this one; undefined when it failed */
async function repair({ idleMs }: UpkeepTiming, sweeps: number | undefined): Promise<number | undefined> {
  let count: number | undefined;
  await logFailure(async () => {
    const swept = await longRunningControl('Repair').sweep({
      idleSeconds: idleMs / 1000,
      ...(sweeps === undefined ? {} : { count: sweeps }),
    });
    count = swept.count;
    const { registrations, copies, deletions, keystores, machines, rollouts } = swept;
    const repaired = { registrations, copies, deletions, keystores, machines, rollouts };
    if (Object.values(repaired).some((found) => found > 0))
      log.warn('repaired what no workflow took care of', repaired);
  });
  await logFailure(() => control('Warn of certificates that expire soon').warnOfExpiry());
  return count;
}

/** Requests the reports of the hosts whose turn it is. */
const collectReports = (timing: UpkeepTiming): Promise<void> =>
  logFailure(async () => {
    const hosts = await control('Choose the hosts whose reports are due').hostsToDescribe(timing);
    for (let at = 0; at < hosts.length; at += timing.reportsAtOnce)
      await collectReportsOf(hosts.slice(at, at + timing.reportsAtOnce), timing);
  });

/** Requests the reports of these hosts at the same time, and records them together. */
async function collectReportsOf(hosts: readonly NamedHost[], timing: UpkeepTiming): Promise<void> {
  const replies = await Promise.all(
    hosts.map(async (host) => ({ host, report: await reportOf(host, timing) })),
  );
  const answered = replies.flatMap(({ host, report }) => (report === undefined ? [] : [{ host, report }]));
  if (answered.length === 0) return;
  const reports = answered.map(({ report }) => report);
  const recorded = await control(`Record the reports of ${reports.length} hosts`).recordReports(reports);
  await Promise.all(
    recorded.map(async ({ outdated, problem }, at) => {
      const { host } = answered[at] as (typeof answered)[number];
      if (problem !== undefined) log.warn(`upkeep: the report of host ${host.name}: ${problem}`);
      if (outdated !== undefined) await logFailure(() => pushLimits(host, outdated, timingOf('limits', {})));
    }),
  );
}

async function reportOf(
  { hostId, name }: NamedHost,
  { reportTakeMs, reportRunMs }: UpkeepTiming,
): Promise<HostReport | undefined> {
  const summary = `Report of host ${name}`;
  const host = quick(hostId, { summary, takeMs: reportTakeMs, runMs: reportRunMs });
  let report: HostReport | undefined;
  await logFailure(async () => {
    report = await host.describeHost({ v: 1 });
  });
  return report;
}

/** Logs a failure, so that the other steps still run. A bug, which is no failure, is thrown. */
async function logFailure(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isFailure(error)) throw error;
    if (!isCancellation(error)) log.warn(`upkeep: ${messageOf(error)}`);
  }
}
