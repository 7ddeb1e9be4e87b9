/** What others ask of a copy's workflow while it runs: signals, in the order in which they came. */
import { CancellationScope, defineSignal, setHandler } from '@temporalio/workflow';
import { STOP_SIGNAL, WANTED_SIGNAL } from '../model/names.ts';
import type { StopRequest } from '../model/payloads.ts';
import { control } from './policies.ts';

const wantedSignal = defineSignal(WANTED_SIGNAL);
const stopSignal = defineSignal<[StopRequest]>(STOP_SIGNAL);

export interface Requests {
  /** How often the copy was wanted. */
  wanted: number;
  /** How many of those were answered. */
  served: number;
  /** The latest request to stop; a removal that was asked for stays asked for. */
  stop: StopRequest | undefined;
  /** Called at each request to stop. */
  onStop: () => void;
  /** How many tellings are under way; the workflow must not end before they are done. */
  telling: number;
}

interface Copy {
  readonly templateId: string;
  readonly poolId: string;
}

export function listenForRequests(copy: Copy): Requests {
  const requests: Requests = {
    wanted: 0,
    served: 0,
    stop: undefined,
    onStop: () => undefined,
    telling: 0,
  };
  setHandler(wantedSignal, () => {
    requests.wanted += 1;
  });
  setHandler(stopSignal, (request) => stop(requests, copy, request));
  return requests;
}

/**
 * Who waited when the stop was asked for is told at once; who asked later is served. Signals may overtake each other
 * on their way here, so that what counts is when the jobs were written.
 */
async function stop(requests: Requests, { templateId, poolId }: Copy, request: StopRequest): Promise<void> {
  const remove = request.remove || requests.stop?.remove === true;
  requests.stop = { ...request, remove };
  requests.served = requests.wanted;
  requests.onStop();
  requests.telling += 1;
  const what = request.remove ? 'The copy was removed' : 'The deployment was cancelled';
  const text = `${what} by ${request.by}`;
  const awaited = await CancellationScope.nonCancellable(() =>
    control('Tell those who wait').settleStopped({ templateId, poolId }, text, request.at),
  );
  if (awaited) requests.wanted = Math.max(requests.wanted, requests.served + 1);
  requests.telling -= 1;
}

/** Whether somebody wants the copy who was not answered yet. */
export const isWantedAgain = ({ wanted, served }: Requests): boolean => wanted > served;

/** Has a cancellation from Temporal's own UI handled as a request to stop. */
export function stopWhenCancelled(requests: Requests, copy: Copy): void {
  const byTemporal: StopRequest = { v: 1, by: 'Temporal', remove: false };
  CancellationScope.current().cancelRequested.catch(() => stop(requests, copy, byTemporal));
}
