/**
 * What other parties request of a copy's workflow while it runs. The handlers below only write into `Requests`; the
 * deployment or removal reads it at its own pace.
 *
 *   wanted (signal)          counts `wanted` up. A request is served once `served` has caught up with it. One of a higher
 *                            priority sets `priority`, and calls `onRaise`.
 *   stop (update or signal)  sets `stop`, settles the jobs that waited, and calls `onStop`, which cancels the work
 *   attemptLost (signal)     calls `onLost`: the host of an attempt was restarted
 *   handOver (signal)        calls `onHandOver`: the host is drained
 *   sourceFree (signal)      counts `sourceHints` up: another host may give the copy now
 *
 * A job is older or younger than a stop by the time that the database wrote it: older ones are settled as stopped,
 * younger ones are served, whatever order the signals arrive in. A stop that removes the copy stays one, even when a
 * plain stop follows.
 *
 * A run must not end or continue as new while a handler still runs (`requestsHandled`), nor while a request is unserved
 * (`isWantedAgain`): its job would wait for ever.
 */
import {
  CancellationScope,
  allHandlersFinished,
  condition,
  defineSignal,
  defineUpdate,
  patched,
  setHandler,
} from '@temporalio/workflow';
import { HAND_OVER_SIGNAL, LOST_SIGNAL, SOURCE_FREE_SIGNAL, STOP, WANTED_SIGNAL } from '../../model/names.ts';
import { handOverRequest, lostAttempt, stopRequest, wantedRequest } from '../../model/messages/runs.ts';
import { read } from '../../model/messages/schema.ts';
import type { CopyInput } from '../../model/payloads.ts';
import type { HandOverRequest, LostAttempt, StopRequest, WantedRequest } from '../../model/run-messages.ts';
import type { CopyTiming } from '../../model/timing.ts';
import { EndListeners } from '../end-notices.ts';
import { control } from '../policies.ts';

const wantedSignal = defineSignal<[WantedRequest?]>(WANTED_SIGNAL);
const lostSignal = defineSignal<[LostAttempt]>(LOST_SIGNAL);
const handOverSignal = defineSignal<[HandOverRequest]>(HAND_OVER_SIGNAL);
const sourceFreeSignal = defineSignal(SOURCE_FREE_SIGNAL);
const stopUpdate = defineUpdate<void, [StopRequest]>(STOP);
const stopSignal = defineSignal<[StopRequest]>(STOP);

export interface Requests {
  /** Requests for the copy so far. */
  wanted: number;
  /** How many of those are served: their jobs have, or will get, an outcome. */
  served: number;
  /** The latest request to stop; its `remove` is true once any stop had it. */
  stop: StopRequest | undefined;
  /** Called at each request to stop. */
  onStop: () => void;
  /** The first in the order of those that were asked for; 1 goes before 5. */
  priority: number;
  /** Called when `priority` has changed. */
  onRaise: () => void;
  /** Called when a restarted host reports the attempt as lost. */
  onLost: (lost: LostAttempt) => void;
  /** Called when a host is drained. */
  onHandOver: (hostId: string) => void;
  /** Hints so far that another host may give the copy now. */
  sourceHints: number;
  /** Workflows to signal at the end. */
  readonly listeners: EndListeners;
  /** Handling of a cancellation from Temporal's own UI, which calls no handler that the SDK waits for. */
  cancelling: Promise<void> | undefined;
}

interface CopyId {
  readonly templateId: string;
  readonly poolId: string;
}

/** Of runs whose input has none. */
const OLD_PRIORITY = 3;

/** @param listeners of the run that this one continues */
export function receiveRequests(
  copy: Pick<CopyInput, 'templateId' | 'poolId' | 'priority'>,
  { mostListeners }: CopyTiming,
  listeners?: readonly string[],
): Requests {
  const requests: Requests = {
    wanted: 0,
    served: 0,
    stop: undefined,
    onStop: () => undefined,
    priority: copy.priority ?? OLD_PRIORITY,
    onRaise: () => undefined,
    onLost: () => undefined,
    onHandOver: () => undefined,
    sourceHints: 0,
    listeners: new EndListeners(mostListeners, listeners),
    cancelling: undefined,
  };
  setHandler(wantedSignal, (message) => {
    requests.wanted += 1;
    const { listener, priority = requests.priority } = read(wantedRequest, message ?? {}).value ?? {};
    requests.listeners.add(listener);
    if (priority >= requests.priority) return;
    requests.priority = priority;
    requests.onRaise();
  });
  setHandler(lostSignal, (message) => {
    const { value } = read(lostAttempt, message);
    if (value !== undefined) requests.onLost(value);
  });
  setHandler(handOverSignal, (message) => {
    const { value } = read(handOverRequest, message);
    // A control worker of an earlier release, which knows no such signal, may have run this part of the history.
    if (value !== undefined && patched('hand-over')) requests.onHandOver(value.hostId);
  });
  setHandler(sourceFreeSignal, () => {
    requests.sourceHints += 1;
  });
  setHandler(stopUpdate, (request) => stop(requests, copy, request), { validator: requireStopRequest });
  setHandler(stopSignal, async (message) => {
    const { value } = read(stopRequest, message);
    if (value !== undefined) await stop(requests, copy, value);
  });
  return requests;
}

/** Synchronous: the rejection of an asynchronous validator would fail the workflow task for ever. */
function requireStopRequest(request: StopRequest): void {
  const { problem } = read(stopRequest, request);
  if (problem === undefined) return;
  throw new TypeError(
    `a stop takes {"v": 1, "by": "<who>", "remove": false}, or remove true to remove the copy: ${problem}`,
  );
}

/**
 * Cancels the work, and settles the jobs that are older than the stop. When younger jobs wait, the copy counts as wanted
 * once more: their signal may have arrived before the stop.
 */
async function stop(requests: Requests, { templateId, poolId }: CopyId, request: StopRequest): Promise<void> {
  const remove = request.remove || requests.stop?.remove === true;
  requests.stop = { ...request, remove };
  requests.listeners.add(request.listener);
  requests.served = requests.wanted;
  requests.onStop();
  const what = request.remove ? 'The copy was removed' : 'The deployment was cancelled';
  const text = `${what} by ${request.by}`;
  const youngerJobsWait = await CancellationScope.nonCancellable(() =>
    control('Settle the jobs that waited').settleStopped({ templateId, poolId }, text, request.at),
  );
  if (youngerJobsWait) requests.wanted = Math.max(requests.wanted, requests.served + 1);
}

/** Whether a request for the copy is still unserved. */
export const isWantedAgain = ({ wanted, served }: Requests): boolean => wanted > served;

/** Resolves when the handlers of all requests so far have ended. */
export const requestsHandled = (requests: Requests): Promise<void> =>
  CancellationScope.nonCancellable(async () => {
    await requests.cancelling;
    await condition(allHandlersFinished);
  });

/** Handles a cancellation from Temporal's own UI as a request to stop. */
export function stopWhenCancelled(requests: Requests, copy: CopyId): void {
  const byTemporal: StopRequest = { v: 1, by: 'Temporal', remove: false };
  CancellationScope.current().cancelRequested.catch(() => {
    requests.cancelling = stop(requests, copy, byTemporal);
    return requests.cancelling;
  });
}
