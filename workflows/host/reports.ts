/**
 * Asks the hosts of one zone for their reports, for as long as there is the zone: each `roundMs` those whose turn it is, some at
 * the same time. So a zone with very many hosts, or with silent ones, delays no other zone's reports. Limits that a report
 * shows to be outdated follow it at once; certificates that the host lacks do as well, by the workflow of its keystore
 * (activities/control/reports.ts).
 *
 * A message names `reportsAtOnce` hosts, or holds one report, however many hosts the zone has. When the history is long, the run
 * continues as new, with the number of hosts that had their turn in this round. The database knows which hosts these are.
 */
import { sleep, workflowInfo } from '@temporalio/workflow';
import type { NamedHost } from '../../activities/control/reports.ts';
import { workflowTypes } from '../../model/names.ts';
import type { HostReport } from '../../model/payloads.ts';
import { newRunParameters } from '../../model/rules/released.ts';
import type { ReportsTiming } from '../../model/timing.ts';
import type { HostReportsInput, HostReportsResult } from '../../model/upkeep.ts';
import { continueAs } from '../continue-as-new.ts';
import { logFailure } from '../failures.ts';
import { control, localControl, quick } from '../policies.ts';
import { timingOf } from '../run-input.ts';
import { show } from '../status.ts';
import { pushLimits } from './push-limits.ts';

export async function hostReports(input: HostReportsInput): Promise<HostReportsResult> {
  const { zoneId, instead } = input;
  const timing = timingOf('reports', input);
  show('Asking the hosts of the zone for their reports.', { ZoneId: zoneId, State: 'Collecting' });
  let { taken = 0 } = input;
  for (;;) {
    const next = await control('Choose the hosts whose reports are due').nextReports(zoneId, timing, taken);
    if (next === undefined) break;
    await Promise.all(next.hosts.map((host) => collectReport(host, timing)));
    taken = next.more ? taken + next.hosts.length : 0;
    if (!next.more) await sleep(timing.roundMs, { summary: 'until the next round' });
    // Each run takes the rules and the timing of the release that starts it, since the zone may stay for ever.
    if (workflowInfo().continueAsNewSuggested)
      return continueAs(workflowTypes.hostReports, {
        ...input,
        ...newRunParameters('reports', instead),
        taken,
      });
  }
  show('The zone was removed.', { State: 'Done' });
  return { v: 1 };
}

/** What the host reports is recorded, and limits that it shows to be outdated are sent. A host that does not answer is asked again later. */
const collectReport = (host: NamedHost, timing: ReportsTiming): Promise<void> =>
  logFailure(`report of host ${host.name}`, async () => {
    const report = await askForReport(host, timing);
    const { outdated } = await localControl(`Record the report of host ${host.name}`).recordReport(report);
    if (outdated !== undefined) await pushLimits(host, outdated, timingOf('limits', {}));
  });

export const askForReport = (
  { hostId, name }: NamedHost,
  { reportTakeMs, reportRunMs }: ReportsTiming,
): Promise<HostReport> => {
  const summary = `Report of host ${name}`;
  return quick(hostId, { summary, takeMs: reportTakeMs, runMs: reportRunMs }).describeHost({ v: 1 });
};
