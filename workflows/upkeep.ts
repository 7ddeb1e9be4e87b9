/**
 * Runs for ever, once: sees which hosts live, asks them for their reports, and repairs what no other workflow takes
 * care of any more.
 */
import { CancellationScope, isCancellation, log, sleep, workflowInfo } from '@temporalio/workflow';
import { workflowTypes } from '../model/names.ts';
import type { UpkeepInput } from '../model/payloads.ts';
import { UPKEEP_TIMING } from '../model/timing.ts';
import type { UpkeepTiming } from '../model/timing.ts';
import { goOnAs } from './continuing.ts';
import { isFailure, messageOf } from './failures.ts';
import { control, patientControl, quick } from './policies.ts';
import { show } from './status.ts';
import { tellLimits } from './telling-limits.ts';

/** A watch of this length ends by itself, and another begins. */
const WATCH_MS = 600_000;
/** Hosts asked for a report in one round. */
const REPORTS = 20;
const REPORT_TAKE_MS = 5000;
const REPORT_RUN_MS = 15_000;

export async function upkeep(input: UpkeepInput): Promise<never> {
  const timing = { ...UPKEEP_TIMING, ...input.timing };
  show('Watching hosts, and repairing what a crash left behind.', { State: 'Watching' });
  const watching = new CancellationScope();
  const watch = watching.run(() => watchHosts(timing));
  for (;;) {
    await round(timing);
    if (workflowInfo().continueAsNewSuggested) break;
    await sleep(timing.roundMs);
  }
  watching.cancel();
  await watch;
  return goOnAs(workflowTypes.upkeep, input);
}

/** Ends when its scope is cancelled. */
async function watchHosts({ watchEveryMs }: UpkeepTiming): Promise<void> {
  while (!CancellationScope.current().consideredCancelled) {
    await tolerate(() =>
      patientControl('Signs of life of hosts').watchHosts({ everyMs: watchEveryMs, forMs: WATCH_MS }),
    );
  }
}

async function round({ idleMs, reportMs }: UpkeepTiming): Promise<void> {
  await tolerate(async () => {
    const { registrations, copies, deletions, keystores } = await patientControl('Repair').sweep({
      idleSeconds: idleMs / 1000,
    });
    const repaired = { registrations, copies, deletions, keystores };
    if (registrations + copies + deletions + keystores > 0)
      log.warn('repaired what no workflow took care of', repaired);
  });
  await tolerate(() => control('Warn of certificates that end soon').warnOfExpiry());
  await tolerate(async () => {
    const hosts = await control('Hosts to ask').hostsToDescribe(reportMs / 1000, REPORTS);
    await Promise.all(hosts.map((host) => tolerate(() => report(host))));
  });
}

async function report({ hostId, name }: { readonly hostId: string; readonly name: string }): Promise<void> {
  const summary = `Report of host ${name}`;
  const host = quick(hostId, { summary, takeMs: REPORT_TAKE_MS, runMs: REPORT_RUN_MS });
  const told = await host.describeHost({ v: 1 });
  const recorded = await control(`Record the report of host ${name}`).recordReport(told);
  if (recorded?.outdated !== undefined) await tellLimits({ hostId, name }, recorded.outdated);
}

/** One thing that fails does not keep the others from being done. */
async function tolerate(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isFailure(error)) throw error;
    if (!isCancellation(error)) log.warn(`upkeep: ${messageOf(error)}`);
  }
}
