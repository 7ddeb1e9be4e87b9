/**
 * A template or ISO is registered by its URL: rows that nobody sees yet, a look at the URL from a host, then either a
 * usable template, or no trace but an event.
 */
import { ApplicationFailure } from '@temporalio/common';
import { CancellationScope, isCancellation } from '@temporalio/workflow';
import type { ChosenHost } from '../activities/control-sealing.ts';
import { REGISTRATION_REFUSED } from '../model/names.ts';
import type {
  ProbeReport,
  RegistrationInput,
  RegistrationRefusal,
  RegistrationResult,
} from '../model/payloads.ts';
import { REGISTRATION_TIMING } from '../model/timing.ts';
import type { RegistrationTiming } from '../model/timing.ts';
import { bare, hostFailure, isFailure, messageOf } from './failures.ts';
import { control, controlAtOnce, quick } from './policies.ts';
import { show } from './status.ts';

export async function registration(input: RegistrationInput): Promise<RegistrationResult> {
  const deadline = Date.now() + { ...REGISTRATION_TIMING, ...input.timing }.budgetMs;
  try {
    const { done, host } = await controlAtOnce('Write the rows, choose a host').recordRegistration(input);
    if (!done) {
      const seen = await lookFromSomeHost(input, host, deadline);
      await controlAtOnce('Judge what the host found').completeRegistration(
        input,
        seen.report,
        seen.host.hostName,
      );
      show(`Registered; host ${seen.host.hostName} looked at it.`, {
        State: 'Active',
        HostId: seen.host.hostId,
      });
    }
    return { v: 1, templateId: input.templateId };
  } catch (error) {
    if (!isFailure(error)) throw error;
    await CancellationScope.nonCancellable(() =>
      control('Remove the rows').abandonRegistration(input, messageOf(error)),
    );
    if (isCancellation(error)) throw error;
    show(`Not registered: ${messageOf(error)}`, { State: 'Refused' });
    throw asRefusal(bare(error));
  }
}

interface Seen {
  readonly host: ChosenHost;
  readonly report: ProbeReport;
}

/** Asks one host after the other until one answers, as long as the caller has patience. */
async function lookFromSomeHost(
  input: RegistrationInput,
  first: ChosenHost | undefined,
  deadline: number,
): Promise<Seen> {
  const timing = { ...REGISTRATION_TIMING, ...input.timing };
  const tried: string[] = [];
  const reasons: string[] = [];
  for (let host = first; host !== undefined;) {
    const leftMs = deadline - Date.now();
    if (leftMs < timing.leastMs) break;
    tried.push(host.hostId);
    try {
      return { host, report: await look(input, host, { ...timing, leftMs }) };
    } catch (error) {
      if (!isFailure(error) || CancellationScope.current().consideredCancelled) throw error;
      reasons.push(hostFailure(error, host.hostName).message);
    }
    host = await control('Choose another host').chooseProbeHost(input, tried);
  }
  throw nobodyLooked(reasons);
}

/** What a probe needs beside the probing. */
const MARGIN_MS = 500;

function look(
  { templateId, url, format }: RegistrationInput,
  { hostId, hostName, ...forHost }: ChosenHost,
  { takeMs, silentMs, leftMs }: RegistrationTiming & { readonly leftMs: number },
): Promise<ProbeReport> {
  const host = quick(hostId, { summary: `Probe from host ${hostName}`, takeMs, silentMs, runMs: leftMs });
  return host.probe({
    v: 1,
    templateId,
    url,
    format,
    budgetMs: leftMs - MARGIN_MS,
    ...forHost,
  });
}

function nobodyLooked(reasons: readonly string[]): ApplicationFailure {
  const why =
    reasons.length === 0
      ? 'no KVM host of the zone is Up and has the certificates of its zone'
      : reasons.join('; ');
  return refused(`No host could look at the URL: ${why}`);
}

function refused(message: string): ApplicationFailure {
  const detail: RegistrationRefusal = { v: 1, message, apiCode: 530, urls: [] };
  return ApplicationFailure.create({
    type: REGISTRATION_REFUSED,
    message,
    nonRetryable: true,
    details: [detail],
  });
}

const asRefusal = (error: unknown): ApplicationFailure =>
  error instanceof ApplicationFailure && error.type === REGISTRATION_REFUSED
    ? error
    : refused(messageOf(error));
