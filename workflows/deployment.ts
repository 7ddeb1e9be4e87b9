/**
 * One template is brought onto one pool. However many ask for it, this is the only one that works on it: its workflow
 * id is the lock (model/names.ts, `copyWorkflowId`).
 *
 *   open the copy's row → choose a host that has room → download there → record it, and tell who waits
 *
 * What goes wrong on the way ends in `decide` (model/decisions.ts): another host, a wait, or the end. The deployment
 * fails only when trying again cannot help; else it waits, visibly, until it can go on or somebody stops it.
 */
import { CancelledFailure } from '@temporalio/common';
import type { TemporalFailure } from '@temporalio/common';
import { CancellationScope, condition, uuid4 } from '@temporalio/workflow';
import { FRESH, decide } from '../model/decisions.ts';
import { describeFailure } from '../model/failures.ts';
import { workflowTypes } from '../model/names.ts';
import type { CopyInput, DeploymentResult } from '../model/payloads.ts';
import { COPY_TIMING } from '../model/timing.ts';
import { copyOf, downloadOn } from './attempt.ts';
import type { CopyRun, Downloaded } from './attempt.ts';
import { goOnAs, goOnWhenLong } from './continuing.ts';
import { apiCodeOf, bare, ending, isFailure, messageOf, wordOf } from './failures.ts';
import { control } from './policies.ts';
import { isWantedAgain, listenForRequests, stopWhenCancelled } from './requests.ts';
import type { Requests } from './requests.ts';
import { hostWithRoom } from './room.ts';
import { show, waitVisibly } from './status.ts';

export async function deployment(input: CopyInput): Promise<DeploymentResult> {
  const requests = listenForRequests(input);
  const whole = CancellationScope.current();
  stopWhenCancelled(requests, input);
  return CancellationScope.nonCancellable(async () => {
    for (;;) {
      const end = await bringUnlessStopped(input, requests);
      await settle(end, input, requests);
      if (requests.stop?.remove === true) return goOnAsRemoval(input, requests);
      if (!isWantedAgain(requests)) return conclude(end, whole.consideredCancelled);
      requests.stop = undefined;
    }
  });
}

type End =
  | { readonly outcome: 'ready'; /** Absent when it was there already. */ readonly done?: Downloaded }
  | { readonly outcome: 'cancelled'; readonly by: string }
  | { readonly outcome: 'failed'; readonly failure: TemporalFailure };

async function bringUnlessStopped(input: CopyInput, requests: Requests): Promise<End> {
  const work = new CancellationScope();
  requests.onStop = () => work.cancel();
  if (requests.stop !== undefined) work.cancel();
  try {
    return await work.run(() => bring(input, requests));
  } catch (error) {
    if (!isFailure(error)) throw error;
    // A host that is gone cannot confirm the cancellation: the error is then another one.
    const by = work.consideredCancelled ? requests.stop?.by : undefined;
    return by === undefined ? { outcome: 'failed', failure: error } : { outcome: 'cancelled', by };
  }
}

async function bring(input: CopyInput, requests: Requests): Promise<End> {
  const plan = await control('Open the copy').openCopy(copyOf(input));
  if (plan.ready) return { outcome: 'ready' };
  const timing = { ...COPY_TIMING, ...input.timing };
  const { history, attempts, last } = input.carried ?? { history: FRESH, attempts: 0 };
  const run: CopyRun = { input, plan, timing, requests, history, attempts, last };
  show(`Bringing ${plan.templateName} to pool ${plan.poolName}.`, {
    State: 'Preparing',
    ZoneId: plan.zoneId,
  });
  for (;;) {
    await goOnWhenLong(run);
    const host = await hostWithRoom(run);
    const tried = await downloadOn(host, run);
    if ('result' in tried) return { outcome: 'ready', done: tried };
    const decision = decide({ ...tried, size: plan.size }, run.history, timing);
    if (decision.next === 'stop') throw ending(tried.failure);
    run.history = decision.history;
    run.last = tried.failure;
    if (decision.afterMs > 0) await waitAfter(run, decision.afterMs);
  }
}

/** Who asks again while we wait has us try at once, but not where the source asked for patience. */
async function waitAfter({ last, requests }: CopyRun, ms: number): Promise<void> {
  if (last === undefined) return;
  const asked = requests.wanted;
  const wake = (): boolean => last.kind !== 'Throttled' && requests.wanted > asked;
  await waitVisibly({ word: last.kind, reason: describeFailure(last), ms }, wake);
}

/** Writes how it ended, and tells who waits. */
async function settle(end: End, input: CopyInput, requests: Requests): Promise<void> {
  const what = { copy: copyOf(input), outcomeId: uuid4() };
  if (end.outcome === 'cancelled') {
    // Who waited was told when the stop came; who asked after it is still to be served.
    await control('Record the cancellation').cancelCopy(what, end.by);
  } else {
    // Who asks while this is written may come too late to be told.
    requests.served = requests.wanted;
    if (end.outcome === 'failed') {
      const error = { code: apiCodeOf(end.failure), text: messageOf(end.failure) };
      await control('Record the failure').failCopy(what, error);
    } else if (end.done === undefined) {
      await control('Tell that it is there already').confirmCopy(what);
    } else {
      await control('Record the copy').finishCopy(what, end.done.result, end.done.attempt);
    }
  }
  await condition(() => requests.telling === 0);
}

function conclude(end: End, cancelledByTemporal: boolean): DeploymentResult {
  if (end.outcome === 'failed') {
    show(`Failed: ${messageOf(end.failure)}`, { State: 'Failed', Reason: wordOf(end.failure) });
    throw bare(end.failure);
  }
  if (end.outcome === 'cancelled') {
    show(`Cancelled by ${end.by}.`, { State: 'Cancelled', Reason: null });
    if (cancelledByTemporal) throw new CancelledFailure('Cancelled in Temporal');
    return { v: 1, outcome: 'cancelled', cancelledBy: end.by };
  }
  const host = end.done?.attempt;
  const how = host === undefined ? 'It was there already.' : `Downloaded by host ${host.hostName}.`;
  show(how, { State: 'Ready', Reason: null });
  return { v: 1, outcome: 'ready', ...(host === undefined ? {} : { hostId: host.hostId }) };
}

const goOnAsRemoval = (input: CopyInput, requests: Requests): Promise<never> => {
  const { carried: _forgotten, ...rest } = input;
  const by = requests.stop?.by ?? 'Bypass';
  return goOnAs(workflowTypes.removal, { ...rest, by, wanted: isWantedAgain(requests) });
};
