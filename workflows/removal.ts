/**
 * The files and the row of one copy are removed, under the same workflow id as its deployment: so the two never run at
 * once. It waits for a host of the pool for as long as it takes. Who wants the copy meanwhile gets it afterwards.
 */
import { CancellationScope, condition, uuid4, workflowInfo } from '@temporalio/workflow';
import type { ChosenHost } from '../activities/control-sealing.ts';
import { describeFailure } from '../model/failures.ts';
import { workflowTypes } from '../model/names.ts';
import type { RemovalInput, RemovalResult, RemoveResult } from '../model/payloads.ts';
import { COPY_TIMING, growing } from '../model/timing.ts';
import type { CopyTiming } from '../model/timing.ts';
import { copyOf } from './attempt.ts';
import { goOnAs } from './continuing.ts';
import { bare, hostFailure, isFailure, isNotPossible, messageOf } from './failures.ts';
import { control, quick } from './policies.ts';
import { isWantedAgain, listenForRequests } from './requests.ts';
import type { Requests } from './requests.ts';
import { show, waitVisibly } from './status.ts';

export async function removal(input: RemovalInput): Promise<RemovalResult> {
  const requests = listenForRequests(input);
  if (input.wanted === true) requests.wanted += 1;
  const by = requests.stop?.by ?? input.by ?? 'Bypass';
  try {
    const files = await remove(input, by, requests);
    await condition(() => requests.telling === 0);
    const { by: _by, wanted: _wanted, ...copy } = input;
    if (isWantedAgain(requests)) return await goOnAs(workflowTypes.deployment, copy);
    show(`Removed for ${by}.`, { State: 'Removed', Reason: null });
    return { v: 1, files };
  } catch (error) {
    if (!isFailure(error)) throw error;
    show(`Not removed: ${messageOf(error)}`, { State: 'Failed' });
    throw bare(error);
  }
}

/** @returns how many files there were */
async function remove(input: RemovalInput, by: string, requests: Requests): Promise<number> {
  const copy = copyOf(input);
  const doomed = await control('Mark the copy').beginRemoval(copy);
  if (doomed === undefined) return 0;
  const { copyId, templateName, poolName } = doomed;
  show(`Removing ${templateName} from pool ${poolName}.`, { State: 'Removing', Reason: null });
  try {
    const result = await removeFiles(copyId, { ...input, by }, requests);
    await control('Remove the row').finishRemoval({ copy, outcomeId: uuid4() }, copyId, result, by);
    return result.files;
  } catch (error) {
    // The pool itself was removed, and the row with it.
    if (isNotPossible(error)) return 0;
    throw error;
  }
}

async function removeFiles(copyId: string, input: RemovalInput, requests: Requests): Promise<RemoveResult> {
  const timing = { ...COPY_TIMING, ...input.timing };
  let avoided: readonly string[] = [];
  for (let round = 0; ; round += 1) {
    if (workflowInfo().continueAsNewSuggested) {
      // What is being told when a run ends may stay untold.
      await condition(() => requests.telling === 0);
      await goOnAs(workflowTypes.removal, { ...input, wanted: isWantedAgain(requests) });
    }
    const choice = await control('Choose a host').chooseHost({ copyId, excluded: [], avoided });
    const { host } = choice;
    const done = host === undefined ? choice : await removeOn(host, copyId, input.poolId, timing);
    if ('result' in done) return done.result;
    if (host !== undefined) avoided = [...avoided.filter((id) => id !== host.hostId), host.hostId];
    const word = host === undefined ? 'NoHost' : 'HostFailed';
    await waitVisibly({ word, reason: done.reason, ms: growing(timing.hostWait, round) });
  }
}

const RUN_MS = 60_000;

async function removeOn(
  { hostId, hostName }: ChosenHost,
  copyId: string,
  poolId: string,
  { quickTakeMs }: CopyTiming,
): Promise<{ readonly result: RemoveResult } | { readonly reason: string }> {
  const summary = `Unlink the files on host ${hostName}`;
  try {
    const host = quick(hostId, { summary, takeMs: quickTakeMs, runMs: RUN_MS });
    return { result: await host.remove({ v: 1, poolId, copyId }) };
  } catch (error) {
    if (!isFailure(error) || CancellationScope.current().consideredCancelled) throw error;
    return { reason: describeFailure(hostFailure(error, hostName)) };
  }
}
