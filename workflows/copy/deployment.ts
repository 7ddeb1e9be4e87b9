/**
 * One template is brought onto one pool. However many jobs want the copy, this is the only workflow that works on it:
 * its workflow id is the lock (model/names.ts, `copyWorkflowId`).
 *
 * Within one round (`bring`), the deployment moves between these states, which Temporal's UI shows:
 *
 *   Preparing    the copy's row is opened; a copy that is ready ends the round
 *   Waiting      for a host, for room on the pool, for a host that gives the copy (all place.ts), or after a failure
 *   Downloading  one attempt on one host (attempt.ts)
 *
 * One that finds its place at once takes two workflow tasks: in the first, a local activity opens the copy and chooses its
 * place; in the second, another one verifies what the host answered, and records it.
 *
 * A failed attempt goes to the rules (model/rules/), with what was learnt from the attempts before: they answer with
 * another try, after a wait, or with the end. The deployment fails only when another try cannot help. Otherwise it waits
 * until it can go on or somebody stops it.
 *
 * A round ends ready, failed or cancelled. The outcome is recorded together with the outcomes of all jobs that wait.
 * Then, in this order: a stop with `remove` continues as the removal; a request that came too late for the outcome
 * starts another round; else the run ends and signals its listeners, but for those that were told by the step that recorded
 * a copy as ready.
 *
 * What must never happen: two downloads of one copy at once; a job that gets no outcome; a stop that is lost because
 * the run continued as new; a command in another order than in a recorded history (test/workflows/replay.test.ts).
 */
import { CancelledFailure } from '@temporalio/common';
import type { TemporalFailure } from '@temporalio/common';
import { CancellationScope, patched, upsertMemo, uuid4 } from '@temporalio/workflow';
import { NEW_HISTORY } from '../../model/decisions.ts';
import { describeFailure, describeFailureWithHost } from '../../model/failures.ts';
import type { Attempt, JobError, Told } from '../../activities/control/copies.ts';
import type { Place } from '../../activities/control/places.ts';
import type { ChosenSource } from '../../activities/control/sources.ts';
import type { Decision } from '../../model/decisions.ts';
import { DECIDED_MEMO, workflowTypes } from '../../model/names.ts';
import type { Carried, CopyInput, CopyPlan, DeploymentResult, DownloadResult } from '../../model/payloads.ts';
import { rulesOf } from '../../model/rules/released.ts';
import { continueAs, continueWhenSuggested } from '../continue-as-new.ts';
import {
  endingFailure,
  isFailure,
  isOfHost,
  isOfPeer,
  jobErrorOf,
  kindOf,
  messageOf,
  unwrapped,
} from '../failures.ts';
import type { FailedAttempt } from '../failures.ts';
import { control, patientLocalControl, quick } from '../policies.ts';
import { timingOf } from '../run-input.ts';
import { show, waitVisibly } from '../status.ts';
import { copyOf, downloadOn, recordRefused } from './attempt.ts';
import type { CopyRun, Downloaded } from './attempt.ts';
import { placeFor, requestsSoFar, wishesOf } from './place.ts';
import type { Look } from './place.ts';
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
  | {
      readonly outcome: 'ready';
      /** The host that brought it, recorded together with the copy. Absent when the copy was ready before. */
      readonly host?: Attempt;
    }
  | { readonly outcome: 'cancelled'; readonly by: string }
  | {
      readonly outcome: 'failed';
      readonly failure: TemporalFailure;
      /** The jobs that wait have their outcome already. */
      readonly recorded?: true;
    };

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
  const fewTrips = patched('few-trips');
  const timing = timingOf('copy', input);
  const { history, attempts, last, peerFailures = NO_PEER_FAILURES } = input.carried ?? NOTHING_CARRIED;
  const known = { input, timing, requests, history, attempts, last, peerFailures, fewTrips };
  const { plan, first } = fewTrips ? await begin(known) : { plan: await openCopy(input), first: undefined };
  if (plan.ready) return { outcome: 'ready' };
  const run: CopyRun = { ...known, plan, sourceWaits: 0 };
  // Runs that began before hosts gave copies to each other fetch from the origin alone.
  const spreads = fewTrips || patched('spread');
  if (first === undefined || !('place' in first.choice)) {
    show(`Bringing ${plan.templateName} to pool ${plan.poolName}.`, {
      State: 'Preparing',
      ZoneId: plan.zoneId,
    });
  }
  for (let look = first; ; look = undefined) {
    await continueWhenSuggested(run);
    const { host, source } = fewTrips ? await placeFor(run, look) : await placeInSteps(run, spreads);
    if (spreads && source === undefined) continue;
    const attempt = await downloadOn(host, source, run);
    const ended = 'result' in attempt ? await accept(attempt, source, run) : attempt;
    if ('outcome' in ended) return ended;
    if (source !== undefined && isFailureOfPeer(ended, source, run)) continue;
    const decided = rulesOf(input.rules).decide({ ...ended, size: plan.size }, run.history, timing);
    const { decision } = decided;
    upsertMemo({ [DECIDED_MEMO]: { rule: decided.rule, progressed: decided.progressed } });
    if (decision.next === 'stop') throw endingFailure(ended.failure);
    run.history = decision.history;
    run.last = ended.failure;
    if (decision.afterMs > 0) await waitAfter(run, decision);
  }
}

const openCopy = (input: CopyInput): Promise<CopyPlan> => control('Open the copy').openCopy(copyOf(input));

/** Opens the copy, and takes a first look for its place. */
async function begin(
  known: Omit<CopyRun, 'plan' | 'sourceWaits'>,
): Promise<{ readonly plan: CopyPlan; readonly first: Look | undefined }> {
  const before = requestsSoFar(known.requests);
  const step = patientLocalControl('Open the copy, and choose a host, space and a source');
  const { plan, choice } = await step.beginCopy(copyOf(known.input), wishesOf(known));
  return { plan, first: choice && { ...before, choice } };
}

/** For runs that do not choose in one step. @returns no source after a wait for one: the host is chosen anew */
async function placeInSteps(run: CopyRun, spreads: boolean): Promise<Pick<Place, 'host'> & Partial<Place>> {
  const host = await hostWithRoom(run);
  const source = spreads ? await sourceFor(host, run) : undefined;
  return source === undefined ? { host } : { host, source };
}

/**
 * Records a copy that a host has published, and with it the outcomes of the jobs that wait. A stop that comes meanwhile comes
 * too late.
 * @returns the failed attempt when it turns out that the host did not give this result, or got a wrong image from other hosts
 */
async function accept(
  done: Downloaded,
  source: ChosenSource | undefined,
  run: CopyRun,
): Promise<RoundEnd | FailedAttempt> {
  const { result, attempt, call } = done;
  const { input, requests, fewTrips } = run;
  return CancellationScope.nonCancellable(async () => {
    // Counted before the activity: a request that comes while it writes may miss the outcome, and must count as unserved.
    requests.served = requests.wanted;
    const ending = { copy: copyOf(input), outcomeId: uuid4() };
    const what = 'Record the copy';
    const step = fewTrips ? patientLocalControl(what) : control(what);
    try {
      const end = await (call === undefined
        ? step.finishCopy(ending, result, attempt)
        : step.finishCopy(ending, result, attempt, call, requests.listeners.ids));
      // Earlier releases recorded null, and told nobody.
      const { kind, text, told = [] }: Partial<JobError & Told> = end ?? {};
      if (kind === 'PeerWrong') {
        await unlinkRefused(attempt, input, result);
        return refusedEnd(attempt, text ?? '');
      }
      requests.listeners.remove(told);
      return { outcome: 'ready', host: attempt };
    } catch (error) {
      if (call === undefined) throw error;
      if (isOfPeer(error) && patched('refused-hearsay')) await unlinkRefused(attempt, input, result);
      else if (!isOfHost(error)) throw error;
      return recordRefused(error, done, source, run);
    }
  });
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

/** Records the end of a round, and with it the outcomes of the jobs that wait. */
async function record(end: RoundEnd, input: CopyInput, requests: Requests): Promise<RoundEnd> {
  if (!isRecorded(end)) {
    const ending = { copy: copyOf(input), outcomeId: uuid4() };
    if (end.outcome === 'cancelled') {
      // The stop itself settled the jobs that waited; requests that came after it stay unserved.
      await control('Record the cancellation').cancelCopy(ending, end.by);
    } else {
      // Counted before the activity, as in `accept`.
      requests.served = requests.wanted;
      if (end.outcome === 'failed') {
        await control('Record the failure').failCopy(ending, jobErrorOf(end.failure));
      } else await control('Record that the copy was ready').confirmCopy(ending);
    }
  }
  await requestsHandled(requests);
  return end;
}

const isRecorded = (end: RoundEnd): boolean =>
  end.outcome === 'ready' ? end.host !== undefined : end.outcome === 'failed' && end.recorded === true;

/** Unlinks an image that was published and is not accepted, so that no later attempt finds it. */
async function unlinkRefused(
  { hostId, hostName }: Attempt,
  input: CopyInput,
  { installPath: copyId }: DownloadResult,
): Promise<void> {
  const { quickTakeMs, removeRunMs } = timingOf('copy', input);
  const summary = `Unlink the refused image on host ${hostName}`;
  const { poolId } = input;
  try {
    await quick(hostId, { summary, takeMs: quickTakeMs, runMs: removeRunMs }).remove({
      v: 1,
      poolId,
      copyId,
    });
  } catch (error) {
    if (!isFailure(error)) throw error;
  }
}

const refusedEnd = ({ hostId: id, hostName: name }: Attempt, message: string): RoundEnd => ({
  outcome: 'failed',
  failure: endingFailure({ kind: 'PeerWrong', message, host: { id, name } }),
  recorded: true,
});

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
  const { host } = end;
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
