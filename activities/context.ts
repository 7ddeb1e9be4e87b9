/**
 * What all activities share: heartbeats, and failures as a workflow understands them.
 *
 * Heartbeats come from a timer, never from data: an activity whose source is silent still lives, and only an activity
 * that sends heartbeats hears of its cancellation. The timer is in one of four states, each of which ends in a
 * heartbeat:
 *
 *   quiet    an activity that is usually short begins so: what it reports is only kept, and sent at the end of that time.
 *            One that has ended by then has sent nothing, which spares the server a write for each heartbeat
 *   urgent   `report(…, true)` sends at once; the next heartbeat follows after `FOLLOW_UP_MS`, so that a person sees how
 *            the change goes on
 *   regular  `report(…)` only keeps the details; the timer sends them after `everyMs(details)`
 *   sooner   the details of `report(…)` ask for a shorter interval than the timer's: the timer starts anew with it
 *
 * No interval may exceed a third of the heartbeat time-out, or one late heartbeat would end the attempt. An aborted
 * activity must throw the signal's reason and nothing else: any other error leaves its attempt hanging on the server
 * until the time-out.
 */
import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { describeFailureWithHost, withClass } from '../model/failures.ts';
import type { Failure } from '../model/failures.ts';

/** So many heartbeats may be lost before the heartbeat time-out ends the attempt. */
const HEARTBEATS_IN_TIMEOUT = 3;

const FOLLOW_UP_MS = 1000;
/** Where the server sets no heartbeat time-out. */
const DEFAULT_TIMEOUT_MS = 30_000;

export interface HeartbeatTimes<P> {
  /**
   * Milliseconds until the next heartbeat with such details. Default, and at most, a third of the heartbeat time-out.
   */
  readonly everyMs?: (details: P) => number;
  /** Milliseconds until the first heartbeat, at most a third of the heartbeat time-out. Default 0. */
  readonly quietMs?: number;
}

export interface Heartbeat<P> {
  /** Its reason is the CancelledFailure that the activity must end with. */
  readonly signal: AbortSignal;
  /**
   * Sets the details of the next heartbeats.
   * @param atOnce sends a heartbeat now, for changes that a person waits for; default false
   */
  readonly report: (details: P, atOnce?: boolean) => void;
}

/** The id of the workflow that the current activity works for. */
export const workflowId = (): string => Context.current().info.workflowExecution?.workflowId ?? '';

/** The signal by which Temporal ends the current activity: cancelled, paused, out of time, or its worker stops. */
export const activitySignal = (): AbortSignal => Context.current().cancellationSignal;

/** Whether the activity was aborted because its worker stops, which the SDK reports in one of two ways. */
export function isWorkerStopping(): boolean {
  const { cancellationSignal, cancellationDetails } = Context.current();
  if (!cancellationSignal.aborted) return false;
  const { message } = cancellationSignal.reason as Error;
  return cancellationDetails?.workerShutdown === true || message === 'WORKER_SHUTDOWN';
}

/**
 * Runs work with heartbeats.
 * @param first details of the first heartbeat
 * @throws the signal's reason when the activity was aborted, else the error of `work`
 */
export async function withHeartbeats<P, T>(
  first: P,
  work: (heartbeat: Heartbeat<P>) => Promise<T>,
  { everyMs = () => Infinity, quietMs = 0 }: HeartbeatTimes<P> = {},
): Promise<T> {
  const context = Context.current();
  const maxIntervalMs = (context.info.heartbeatTimeoutMs || DEFAULT_TIMEOUT_MS) / HEARTBEATS_IN_TIMEOUT;
  let latest = first;
  let isQuiet = quietMs > 0;
  let timer: NodeJS.Timeout | undefined;
  const schedule = (ms = everyMs(latest)): void => {
    clearTimeout(timer);
    timer = setTimeout(send, Math.min(ms, maxIntervalMs));
  };
  const send = (): void => {
    context.heartbeat(latest);
    schedule();
  };
  const sendUrgently = (): void => {
    isQuiet = false;
    context.heartbeat(latest);
    schedule(Math.min(FOLLOW_UP_MS, everyMs(latest)));
  };
  if (isQuiet) timer = setTimeout(sendUrgently, Math.min(quietMs, maxIntervalMs));
  else sendUrgently();
  try {
    return await work({
      signal: context.cancellationSignal,
      report(details, atOnce = false) {
        const isSooner = everyMs(details) < everyMs(latest);
        latest = details;
        if (isQuiet) return;
        if (atOnce) sendUrgently();
        else if (isSooner) schedule();
      },
    });
  } catch (error) {
    context.cancellationSignal.throwIfAborted();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/**
 * A failure as it crosses the queue: its type is the kind. It is not retryable, since the workflow decides on retries,
 * not the server.
 */
export const applicationFailure = (
  failure: Failure,
  detail: unknown = withClass(failure),
): ApplicationFailure =>
  ApplicationFailure.create({
    type: failure.kind,
    message: describeFailureWithHost(failure),
    nonRetryable: true,
    details: [detail],
  });
