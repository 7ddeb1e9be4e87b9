/** Limits on their way to a host, and its word that they hold. */
import type { HostLimits } from '../model/payloads.ts';
import { control, quick } from './policies.ts';

const TAKE_MS = 5000;
const RUN_MS = 15_000;

export async function tellLimits(
  { hostId, name }: { readonly hostId: string; readonly name: string },
  limits: HostLimits,
): Promise<void> {
  const host = quick(hostId, { summary: `Limits of host ${name}`, takeMs: TAKE_MS, runMs: RUN_MS });
  const report = await host.setLimits({ v: 1, limits });
  await control(`Record the report of host ${name}`).recordReport(report);
}
