/** A host of the template's zones probes its URL. */
import { CancellationScope } from '@temporalio/workflow';
import type { ChosenHost } from '../../activities/control/sealing.ts';
import { apiCodes } from '../../model/api-codes.ts';
import type { ProbeReport, RegistrationInput, RegistrationRefusal } from '../../model/payloads.ts';
import type { RegistrationTiming } from '../../model/timing.ts';
import { hostFailure, isFailure } from '../failures.ts';
import { control, quick } from '../policies.ts';
import { timingOf } from '../run-input.ts';

export const refusalFor = (message: string): RegistrationRefusal => ({
  v: 1,
  message,
  apiCode: apiCodes.internal,
  urls: [],
});

export interface HostProbe {
  readonly host: ChosenHost;
  readonly report: ProbeReport;
}

interface ProbeOptions {
  /** The first host to send the probe to; absent when no host is Up. */
  readonly host?: ChosenHost;
  /** Every mirror must answer. */
  readonly all?: boolean;
}

/**
 * Sends the probe to one host after the other until one reports, within the time that the caller waits: first to hosts
 * that have not had the probe yet, then again to those that were gone, which may have come back.
 */
export async function probeFromSomeHost(
  input: RegistrationInput,
  { host: first, all = false }: ProbeOptions,
): Promise<HostProbe | RegistrationRefusal> {
  const timing = timingOf('registration', input);
  const tried: string[] = [];
  const unable: string[] = [];
  const reasons = new Set<string>();
  const names = new Set<string>();
  let deadline = Date.now() + timing.budgetMs;
  let renewals = 0;
  for (let host = first; host !== undefined;) {
    const leftMs = deadline - Date.now();
    if (leftMs < timing.leastMs) break;
    tried.push(host.hostId);
    try {
      return { host, report: await probeOn(host, input, { ...timing, leftMs, all }) };
    } catch (error) {
      if (!isFailure(error) || CancellationScope.current().consideredCancelled) throw error;
      const { kind, message } = hostFailure(error, host);
      reasons.add(message);
      names.add(host.hostName);
      if (kind !== 'HostGone') unable.push(host.hostId);
    }
    // A slow source took the whole budget, and its host was lost: the next host gets a budget of its own.
    if (Date.now() > deadline && renewals < timing.mostRenewals) {
      renewals += 1;
      deadline = Date.now() + timing.budgetMs;
    }
    host =
      (await control('Choose another host').chooseProbeHost(input, tried)) ??
      (await control('Choose a host for a second try').chooseProbeHost(input, unable));
  }
  return noReport(reasons, names);
}

interface ProbeTiming extends RegistrationTiming {
  readonly leftMs: number;
  readonly all: boolean;
}

function probeOn(
  { hostId, hostName, ...forHost }: ChosenHost,
  { templateId, accountId, url, format, checksum }: RegistrationInput,
  { takeMs, silentMs, patienceMs, marginMs, leftMs, all }: ProbeTiming,
): Promise<ProbeReport> {
  const host = quick(hostId, {
    summary: `Probe from host ${hostName}`,
    takeMs: Math.min(takeMs, leftMs),
    silentMs,
    runMs: patienceMs + marginMs,
  });
  return host.probe({
    v: 1,
    templateId,
    accountId,
    url,
    format,
    ...(checksum === undefined ? {} : { checksum }),
    budgetMs: leftMs - marginMs,
    patienceMs,
    ...(all ? { all } : {}),
    ...forHost,
  });
}

function noReport(reasons: ReadonlySet<string>, tried: ReadonlySet<string>): RegistrationRefusal {
  const why =
    reasons.size === 0
      ? 'no KVM host of the zone is Up and has the certificates of its zone'
      : [...reasons].join('; ');
  return { ...refusalFor(`No host could look at the URL: ${why}`), tried: [...tried] };
}
