/** What every activity does alike: to tell Temporal that it lives, and to fail in words that a workflow understands. */
import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { describeFailure } from '../model/failures.ts';
import type { Failure } from '../model/failures.ts';

/** Milliseconds between heartbeats. */
const BEAT_MS = 1000;

export interface Beat<P> {
  /** Its reason is the CancelledFailure that the activity must end with. */
  readonly signal: AbortSignal;
  /**
   * What the next heartbeats carry.
   * @param atOnce for changes that a person waits for; the rest goes out with the next beat
   */
  tell(details: P, atOnce?: boolean): void;
}

/** The signal by which Temporal ends the current activity: cancelled, paused, out of time, or its worker stops. */
export const activitySignal = (): AbortSignal => Context.current().cancellationSignal;

/** Whether the activity was aborted because this process stops; the SDK says it in one of two ways. */
export function isStopping(): boolean {
  const { cancellationSignal, cancellationDetails } = Context.current();
  if (!cancellationSignal.aborted) return false;
  const { message } = cancellationSignal.reason as Error;
  return cancellationDetails?.workerShutdown === true || message === 'WORKER_SHUTDOWN';
}

/**
 * Runs work with heartbeats. They come from a timer, not from data, so that an activity whose source is silent still
 * lives, and hears of its cancellation.
 */
export async function beating<P, T>(first: P, work: (beat: Beat<P>) => Promise<T>): Promise<T> {
  const context = Context.current();
  let latest = first;
  const beat = (): void => context.heartbeat(latest);
  beat();
  const timer = setInterval(beat, BEAT_MS);
  try {
    return await work({
      signal: context.cancellationSignal,
      tell(details, atOnce = false) {
        latest = details;
        if (atOnce) beat();
      },
    });
  } catch (error) {
    // Any other error of an aborted activity leaves the attempt hanging until its heartbeat timeout.
    context.cancellationSignal.throwIfAborted();
    throw error;
  } finally {
    clearInterval(timer);
  }
}

/** A failure as it crosses the queue: its type is the kind, and the workflow, not the server, decides on retries. */
export const applicationFailure = (failure: Failure, detail: unknown = failure): ApplicationFailure =>
  ApplicationFailure.create({
    type: failure.kind,
    message: describeFailure(failure),
    nonRetryable: true,
    details: [detail],
  });
