/** What an activity's failure means, in the words of model/failures.ts. */
import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  TemporalFailure,
  TimeoutFailure,
} from '@temporalio/common';
import { describeFailure, failures, isFailureKind } from '../model/failures.ts';
import type { Failure, FailureKind } from '../model/failures.ts';
import { NOT_POSSIBLE } from '../model/names.ts';
import type { DownloadFailure, PoolReport, Try } from '../model/payloads.ts';
import type { Progress } from '../model/progress.ts';

/** The failure that an activity's failure wraps. */
export const causeOf = (error: unknown): unknown =>
  error instanceof ActivityFailure ? (error.cause ?? error) : error;

/** Whether a failure of ours, or of an activity: one to end with. Anything else is a bug, and waits for its repair. */
export const isFailure = (error: unknown): error is TemporalFailure => error instanceof TemporalFailure;

/** The message of the failure itself, without what it is wrapped in. */
export function messageOf(error: unknown): string {
  const cause = causeOf(error);
  return cause instanceof Error ? cause.message : String(cause);
}

/** The same failure without the wrapping, so that Temporal's UI shows its sentence first. */
export function bare(error: unknown): unknown {
  const cause = causeOf(error);
  return cause instanceof ApplicationFailure ? cause : error;
}

/** Whether an activity says that what was asked for cannot be done, however often it is tried. */
export function isNotPossible(error: unknown): boolean {
  const cause = causeOf(error);
  return cause instanceof ApplicationFailure && cause.type === NOT_POSSIBLE;
}

/** Why a host did not do a job. */
export function hostFailure(error: unknown, hostName: string): Failure {
  const cause = causeOf(error);
  if (cause instanceof TimeoutFailure) {
    const what =
      cause.timeoutType === 'SCHEDULE_TO_START' ? 'did not take the job' : 'was not heard of any more';
    return { kind: 'HostGone', message: `host ${hostName} ${what}` };
  }
  if (cause instanceof CancelledFailure) {
    return { kind: 'HostGone', message: `host ${hostName} gave the job back (${cause.message})` };
  }
  if (cause instanceof ApplicationFailure) {
    const told = cause.details?.[0] as Failure | undefined;
    if (told !== undefined && isKind(told.kind)) return told;
    if (isKind(cause.type)) return { kind: cause.type, message: cause.message };
  }
  return { kind: 'HostFault', message: `host ${hostName}: ${messageOf(error)}` };
}

/** A download that failed. */
export interface FailedAttempt {
  readonly hostId: string;
  readonly failure: Failure;
  readonly tries: readonly Try[];
  readonly pool?: PoolReport;
  /** Bytes of the file that lie on the pool now. */
  readonly position: number;
}

/** How a download failed, from whichever of the ways in which Temporal tells it. */
export function downloadFailure(
  error: unknown,
  where: {
    readonly hostId: string;
    readonly hostName: string;
    readonly source: string;
    readonly began: string;
  },
  copyId: string,
): FailedAttempt {
  const cause = causeOf(error);
  const told = (cause instanceof ApplicationFailure ? cause.details?.[0] : undefined) as
    Partial<DownloadFailure> | undefined;
  const progress = (cause instanceof TimeoutFailure ? cause.lastHeartbeatDetails : undefined) as
    Progress | undefined;
  const failure = told?.failure ?? hostFailure(error, where.hostName);
  const tries = told?.tries ?? [];
  const last: Try = {
    source: progress?.source ?? where.source,
    startedAt: where.began,
    endedAt: new Date().toISOString(),
    bytes: progress?.bytes ?? 0,
    failure,
  };
  return {
    hostId: where.hostId,
    failure,
    // What no try tells, such as that the host is gone, is told as one more.
    tries: tries.at(-1)?.failure === undefined ? [...tries, last] : tries,
    position: told?.pool?.parts?.[copyId] ?? progress?.bytes ?? 0,
    ...(told?.pool === undefined ? {} : { pool: told.pool }),
  };
}

/** What the host says when a download ended because it was cancelled; undefined when it says nothing. */
export function cancelledDownload(error: unknown): Partial<DownloadFailure> | undefined {
  const cause = causeOf(error);
  return cause instanceof CancelledFailure
    ? (cause.details?.[0] as Partial<DownloadFailure> | undefined)
    : undefined;
}

/** A failure to end a workflow with. */
export const ending = (failure: Failure): ApplicationFailure =>
  ApplicationFailure.create({
    type: failure.kind,
    message: describeFailure(failure),
    nonRetryable: true,
    details: [failure],
  });

/** One word for whatever ended a workflow, for searching; null when there is none. */
export function wordOf(error: unknown): string | null {
  const cause = causeOf(error);
  return cause instanceof ApplicationFailure ? (cause.type ?? null) : null;
}

/** CloudStack's code for whatever ended a workflow. */
export function apiCodeOf(error: unknown): number {
  const cause = causeOf(error);
  const type = cause instanceof ApplicationFailure ? cause.type : undefined;
  return isKind(type) ? failures[type].apiCode : 530;
}

const isKind = (type: string | null | undefined): type is FailureKind =>
  typeof type === 'string' && isFailureKind(type);
