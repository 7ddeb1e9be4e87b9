/** Sends limits to a host, and records the host's report of the limits that are in force. */
import type { HostLimits } from '../../model/payloads.ts';
import type { LimitsTiming } from '../../model/timing.ts';
import { control, quick } from '../policies.ts';

export async function pushLimits(
  { hostId, name }: { readonly hostId: string; readonly name: string },
  limits: HostLimits,
  { takeMs, runMs }: LimitsTiming,
): Promise<void> {
  const host = quick(hostId, { summary: `Limits of host ${name}`, takeMs, runMs });
  const report = await host.setLimits({ v: 1, limits });
  await control(`Record the report of host ${name}`).recordReport(report);
}
