/**
 * One template is brought onto one pool. However many jobs want the copy, this is the only workflow that works on it:
 * its workflow id is the lock (model/names.ts, `copyWorkflowId`).
 *
 * Within one round (`bring`), the deployment moves between these states, which Temporal's UI shows:
 *
 *   Preparing    the copy's row is opened; a copy that is ready ends the round
 *   Waiting      for a host, for room on the pool (room.ts), for a host that gives the copy (source.ts), or after a failure
 *   Downloading  one attempt on one host (attempt.ts)
 *
 * A failed attempt goes to the rules (model/rules/), with what was learnt from the attempts before: they answer with
 * another try, after a wait, or with the end. The deployment fails only when another try cannot help. Otherwise it waits
 * until it can go on or somebody stops it.
 *
 * A round ends ready, failed or cancelled. The outcome is recorded together with the outcomes of all jobs that wait.
 * Then, in this order: a stop with `remove` continues as the removal; a request that came too late for the outcome
 * starts another round; else the run ends and signals its listeners.
 *
 * What must never happen: two downloads of one copy at once; a job that gets no outcome; a stop that is lost because
 * the run continued as new; a command in another order than in a recorded history (test/workflows/replay.test.ts).
 */
import { CancelledFailure } from '@temporalio/common';
import type { TemporalFailure } from '@temporalio/common';
import { CancellationScope, patched, upsertMemo, uuid4 } from '@temporalio/workflow';
import { NEW_HISTORY } from '../../model/decisions.ts';
import { describeFailure, describeFailureWithHost } from '../../model/failures.ts';
import type { Attempt } from '../../activities/control/copies.ts';
import type { Decision } from '../../model/decisions.ts';
import { DECIDED_MEMO, workflowTypes } from '../../model/names.ts';
import type { Carried, CopyInput, DeploymentResult, DownloadResult } from '../../model/payloads.ts';
import { rulesOf } from '../../model/rules/released.ts';
import { continueAs, continueWhenSuggested } from '../continue-as-new.ts';
import { endingFailure, isFailure, jobErrorOf, kindOf, messageOf, unwrapped } from '../failures.ts';
import { control, quick } from '../policies.ts';
import { timingOf } from '../run-input.ts';
import { show, waitVisibly } from '../status.ts';
import { copyOf, downloadOn } from './attempt.ts';
import type { CopyRun, Downloaded } from './attempt.ts';
import { isWantedAgain, receiveRequests, requestsHandled, stopWhenCancelled } from './requests.ts';
import type { Requests } from './requests.ts';
import { hostWithRoom } from './room.ts';
import { NO_PEER_FAILURES, isFailureOfPeer, sourceFor } from './source.ts';

export async function deployment(input: CopyInput): Promise<DeploymentResult> {
  const requests = receiveRequests(input, timingOf('copy', input));
  const whole = CancellationScope.current();
  stopWhenCancelled(requests, input);
  return CancellationScope.nonCancellable(async () => {
    for (;;) {
      const end = await record(await bringUnlessStopped(input, requests), input, requests);
      if (requests.stop?.remove === true) return continueAsRemoval(input, requests);
      if (!isWantedAgain(requests)) {
        await requests.listeners.notify();
        return conclude(end, whole.consideredCancelled);
      }
      requests.stop = undefined;
    }
  });
}

type RoundEnd =
  | { readonly outcome: 'ready'; /** Absent when the copy was ready before. */ readonly done?: Downloaded }
  | { readonly outcome: 'cancelled'; readonly by: string }
  | { readonly outcome: 'failed'; readonly failure: TemporalFailure };

async function bringUnlessStopped(input: CopyInput, requests: Requests): Promise<RoundEnd> {
  const work = new CancellationScope();
  requests.onStop = () => work.cancel();
  if (requests.stop !== undefined) work.cancel();
  try {
    return await work.run(() => bring(input, requests));
  } catch (error) {
    if (!isFailure(error)) throw error;
    // A host that is gone cannot confirm the cancellation, so that the error may be a time-out instead.
    const by = work.consideredCancelled ? requests.stop?.by : undefined;
    return by === undefined ? { outcome: 'failed', failure: error } : { outcome: 'cancelled', by };
  }
}

async function bring(input: CopyInput, requests: Requests): Promise<RoundEnd> {
  const plan = await control('Open the copy').openCopy(copyOf(input));
  if (plan.ready) return { outcome: 'ready' };
  const timing = timingOf('copy', input);
  const { history, attempts, last, peerFailures = NO_PEER_FAILURES } = input.carried ?? NOTHING_CARRIED;
  const run: CopyRun = {
    input,
    plan,
    timing,
    requests,
    history,
    attempts,
    last,
    peerFailures,
    sourceWaits: 0,
  };
  // Runs that began before hosts gave copies to each other fetch from the origin alone.
  const spreads = patched('spread');
  show(`Bringing ${plan.templateName} to pool ${plan.poolName}.`, {
    State: 'Preparing',
    ZoneId: plan.zoneId,
  });
  for (;;) {
    await continueWhenSuggested(run);
    const host = await hostWithRoom(run);
    const source = spreads ? await sourceFor(host, run) : undefined;
    if (spreads && source === undefined) continue;
    const attempt = await downloadOn(host, source, run);
    if ('result' in attempt) return { outcome: 'ready', done: attempt };
    if (source !== undefined && isFailureOfPeer(attempt, source, run)) continue;
    const decided = rulesOf(input.rules).decide({ ...attempt, size: plan.size }, run.history, timing);
    const { decision } = decided;
    upsertMemo({ [DECIDED_MEMO]: { rule: decided.rule, progressed: decided.progressed } });
    if (decision.next === 'stop') throw endingFailure(attempt.failure);
    run.history = decision.history;
    run.last = attempt.failure;
    if (decision.afterMs > 0) await waitAfter(run, decision);
  }
}

const NOTHING_CARRIED: Carried = { history: NEW_HISTORY, attempts: 0 };

/** A new request for the copy ends the wait early, unless the source asked us to back off. */
async function waitAfter(
  { last, requests }: CopyRun,
  { afterMs, patient }: Extract<Decision, { next: 'again' }>,
): Promise<void> {
  if (last === undefined) return;
  const wantedBefore = requests.wanted;
  const wake = patient === true ? undefined : (): boolean => requests.wanted > wantedBefore;
  const reason = describeFailureWithHost(last);
  const publicReason = describeFailure(last);
  await waitVisibly({ word: last.kind, reason, publicReason, ms: afterMs }, wake);
}

/**
 * Records the end of a round, and with it the outcomes of the jobs that wait.
 * @returns the end as it was recorded: an image that differs from that of other hosts is refused then
 */
async function record(end: RoundEnd, input: CopyInput, requests: Requests): Promise<RoundEnd> {
  let recorded = end;
  const ending = { copy: copyOf(input), outcomeId: uuid4() };
  if (end.outcome === 'cancelled') {
    // The stop itself settled the jobs that waited; requests that came after it stay unserved.
    await control('Record the cancellation').cancelCopy(ending, end.by);
  } else {
    // Counted before the activity: a request that comes while it writes may miss the outcome, and must count as unserved.
    requests.served = requests.wanted;
    if (end.outcome === 'failed') {
      await control('Record the failure').failCopy(ending, jobErrorOf(end.failure));
    } else if (end.done === undefined) {
      await control('Record that the copy was ready').confirmCopy(ending);
    } else {
      const { result, attempt } = end.done;
      // Earlier releases recorded null.
      const refused = await control('Record the copy').finishCopy(ending, result, attempt);
      if (refused?.kind === 'PeerWrong') recorded = await removeRefused(attempt, refused.text, input, result);
    }
  }
  await requestsHandled(requests);
  return recorded;
}

/** Unlinks an image that was published and is not accepted, so that no later attempt finds it. */
async function removeRefused(
  host: Attempt,
  message: string,
  input: CopyInput,
  { installPath }: DownloadResult,
): Promise<RoundEnd> {
  const { quickTakeMs, removeRunMs } = timingOf('copy', input);
  const summary = `Unlink the refused image on host ${host.hostName}`;
  const { poolId } = input;
  try {
    await quick(host.hostId, { summary, takeMs: quickTakeMs, runMs: removeRunMs }).remove({
      v: 1,
      poolId,
      copyId: installPath,
    });
  } catch (error) {
    if (!isFailure(error)) throw error;
  }
  const named = { id: host.hostId, name: host.hostName };
  return { outcome: 'failed', failure: endingFailure({ kind: 'PeerWrong', message, host: named }) };
}

function conclude(end: RoundEnd, cancelledByTemporal: boolean): DeploymentResult {
  if (end.outcome === 'failed') {
    show(`Failed: ${messageOf(end.failure)}`, { State: 'Failed', Reason: kindOf(end.failure) });
    throw unwrapped(end.failure);
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

const continueAsRemoval = (input: CopyInput, requests: Requests): Promise<never> => {
  const { carried: _forgotten, ...rest } = input;
  const by = requests.stop?.by ?? 'Bypass';
  const listeners = requests.listeners.ids;
  return continueAs(workflowTypes.removal, { ...rest, by, wanted: isWantedAgain(requests), listeners });
};
