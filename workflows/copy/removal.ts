/**
 * Removes the files and the row of one copy, under the workflow id of its deployment: so the two never run at once. The
 * removal waits for a host of the pool for as long as it takes. When the copy is wanted meanwhile, the run continues as
 * its deployment. A copy that virtual machines stand on is not removed: the last of them that goes requests another removal.
 */
import { CancellationScope, uuid4, workflowInfo } from '@temporalio/workflow';
import type { RemovalBegun } from '../../activities/control/copies.ts';
import type { ChosenHost } from '../../activities/control/sealing.ts';
import { describeFailure, describeFailureWithHost } from '../../model/failures.ts';
import { workflowTypes } from '../../model/names.ts';
import type { RemovalInput, RemovalResult, RemoveResult } from '../../model/payloads.ts';
import { backoffMs } from '../../model/timing.ts';
import type { CopyTiming } from '../../model/timing.ts';
import { continueAs } from '../continue-as-new.ts';
import { hostFailure, isFailure, isNotPossible, messageOf, unwrapped } from '../failures.ts';
import { control, quick } from '../policies.ts';
import { timingOf } from '../run-input.ts';
import { show, waitVisibly } from '../status.ts';
import { copyOf } from './attempt.ts';
import { isWantedAgain, receiveRequests, requestsHandled } from './requests.ts';
import type { Requests } from './requests.ts';

export async function removal(input: RemovalInput): Promise<RemovalResult> {
  const requests = receiveRequests(input, timingOf('copy', input), input.listeners);
  if (input.wanted === true) requests.wanted += 1;
  const by = requests.stop?.by ?? input.by ?? 'Bypass';
  try {
    const { files, users, wanted } = await remove(input, by, requests);
    await requestsHandled(requests);
    await requests.listeners.notify();
    const { by: _by, wanted: _wanted, listeners: _listeners, idleSeconds: _idle, ...copy } = input;
    if (isWantedAgain(requests)) return await continueAs(workflowTypes.deployment, copy);
    if (wanted === true) show('Not removed: it is wanted again.', { State: 'Ready' });
    else if (users === undefined) show(`Removed for ${by}.`, { State: 'Removed', Reason: null });
    else show(`Not removed: ${users} virtual machines use it.`, { State: 'Ready', Reason: 'InUse' });
    return { v: 1, files, ...(users === undefined ? {} : { users }) };
  } catch (error) {
    if (!isFailure(error)) throw error;
    await requests.listeners.notify();
    show(`Not removed: ${messageOf(error)}`, { State: 'Failed' });
    throw unwrapped(error);
  }
}

type Removed = Pick<RemovalResult, 'files' | 'users'> & { readonly wanted?: true };

async function remove(input: RemovalInput, by: string, requests: Requests): Promise<Removed> {
  const copy = copyOf(input);
  const doomed = await beginRemoval(input, requests);
  if (doomed === undefined) return { files: 0 };
  if (doomed.copyId === undefined)
    return doomed.wanted === true ? { files: 0, wanted: true } : { files: 0, users: doomed.users };
  const { copyId, templateName, poolName } = doomed;
  show(`Removing ${templateName} from pool ${poolName}.`, { State: 'Removing', Reason: null });
  try {
    const result = await removeFiles(copyId, { ...input, by }, requests);
    await control('Remove the row').finishRemoval({ copy, outcomeId: uuid4() }, copyId, result, by);
    return { files: result.files };
  } catch (error) {
    // The pool itself was removed, and the copy's row with it.
    if (isNotPossible(error)) return { files: 0 };
    throw error;
  }
}

async function beginRemoval(
  { idleSeconds, ...input }: RemovalInput,
  requests: Requests,
): Promise<RemovalBegun | undefined> {
  const marking = control('Mark the copy');
  if (idleSeconds === undefined || isDemanded(requests)) return marking.beginRemoval(copyOf(input));
  const begun = await marking.beginRemoval(copyOf(input), idleSeconds);
  return begun?.copyId === undefined && isDemanded(requests) ? marking.beginRemoval(copyOf(input)) : begun;
}

const isDemanded = ({ stop }: Requests): boolean => stop?.remove === true;

async function removeFiles(copyId: string, input: RemovalInput, requests: Requests): Promise<RemoveResult> {
  const timing = timingOf('copy', input);
  let avoided: readonly string[] = [];
  for (let round = 0; ; round += 1) {
    if (workflowInfo().continueAsNewSuggested) {
      await requestsHandled(requests);
      const listeners = requests.listeners.ids;
      await continueAs(workflowTypes.removal, { ...input, wanted: isWantedAgain(requests), listeners });
    }
    const choice = await control('Choose a host').chooseHost({ copyId, excluded: [], avoided });
    const { host } = choice;
    const outcome = host === undefined ? choice : await removeOn(host, copyId, input.poolId, timing);
    if ('result' in outcome) return outcome.result;
    if (host !== undefined) avoided = [...avoided.filter((id) => id !== host.hostId), host.hostId];
    const word = host === undefined ? 'NoHost' : 'HostFailed';
    const { reason, publicReason } = outcome;
    await waitVisibly({ word, reason, publicReason, ms: backoffMs(timing.hostWait, round) });
  }
}

async function removeOn(
  chosen: ChosenHost,
  copyId: string,
  poolId: string,
  { quickTakeMs, removeRunMs }: CopyTiming,
): Promise<{ readonly result: RemoveResult } | { readonly reason: string; readonly publicReason: string }> {
  const { hostId, hostName } = chosen;
  const summary = `Unlink the files on host ${hostName}`;
  try {
    const host = quick(hostId, { summary, takeMs: quickTakeMs, runMs: removeRunMs });
    return { result: await host.remove({ v: 1, poolId, copyId }) };
  } catch (error) {
    if (!isFailure(error) || CancellationScope.current().consideredCancelled) throw error;
    const failure = hostFailure(error, chosen);
    return { reason: describeFailureWithHost(failure), publicReason: describeFailure(failure) };
  }
}
