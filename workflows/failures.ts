/** Translates failures of activities into those of model/failures.ts, and these into failures of a workflow. */
import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  TemporalFailure,
  TimeoutFailure,
} from '@temporalio/common';
import { isCancellation, log } from '@temporalio/workflow';
import { apiCodes } from '../model/api-codes.ts';
import type { JobError } from '../activities/control/copies.ts';
import { describeFailure, describeFailureWithHost, failures, isFailureKind } from '../model/failures.ts';
import type { Failure, FailureKind, NamedHost } from '../model/failures.ts';
import { NOT_POSSIBLE } from '../model/names.ts';
import { downloadFailure, downloadStopped, failure } from '../model/messages/failures.ts';
import { progress } from '../model/messages/progress.ts';
import { read } from '../model/messages/schema.ts';
import type { Progress } from '../model/progress.ts';
import type { DownloadStopped, PoolReport, Try } from '../model/payloads.ts';

/** The failure within the ActivityFailure that the SDK wraps around it. */
export const causeOf = (error: unknown): unknown =>
  error instanceof ActivityFailure ? (error.cause ?? error) : error;

/**
 * Whether the error is a failure that may end the workflow. Any other error is a bug: it fails the workflow task, which
 * Temporal repeats until the bug is fixed.
 */
export const isFailure = (error: unknown): error is TemporalFailure => error instanceof TemporalFailure;

/** The message of the failure itself, without the SDK's wrapping. */
export function messageOf(error: unknown): string {
  const cause = causeOf(error);
  return cause instanceof Error ? cause.message : String(cause);
}

/** Logs a failure, so that the next steps still run. A bug, which is no failure, is thrown. @param what failed, for people */
export async function logFailure(what: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isFailure(error)) throw error;
    if (!isCancellation(error)) log.warn(`${what}: ${messageOf(error)}`);
  }
}

/** The failure without the SDK's wrapping, so that Temporal's UI shows its sentence first. */
export function unwrapped(error: unknown): unknown {
  const cause = causeOf(error);
  return cause instanceof ApplicationFailure ? cause : error;
}

/** Whether a control activity failed with NotPossible: another try would fail as well. */
export function isNotPossible(error: unknown): boolean {
  const cause = causeOf(error);
  return cause instanceof ApplicationFailure && cause.type === NOT_POSSIBLE;
}

/** Whether a control activity refused what came from a host as its answer. */
export function isOfHost(error: unknown): boolean {
  const cause = causeOf(error);
  return cause instanceof ApplicationFailure && isKind(cause.type) && failures[cause.type].class === 'host';
}

/** Whether a control activity refused what other hosts had passed on. */
export function isOfPeer(error: unknown): boolean {
  const cause = causeOf(error);
  return (
    cause instanceof ApplicationFailure && (cause.type === 'PeerWrong' || cause.type === 'PeerUnreachable')
  );
}

/** Whether a local control activity failed in a way that may pass, after its few tries. */
export function mayStillWork(error: unknown): boolean {
  const cause = causeOf(error);
  return cause instanceof TimeoutFailure || (cause instanceof ApplicationFailure && !cause.nonRetryable);
}

/** The host worker of an attempt was restarted, so that the attempt runs nowhere any more. */
export class AttemptLost extends Error {
  /** Its last heartbeat. */
  readonly lastHeartbeat: Progress | undefined;

  constructor(lastHeartbeat: Progress | undefined) {
    super('the host was restarted during the download');
    this.lastHeartbeat = lastHeartbeat;
  }
}

/** The host that a job was sent to. */
export interface HostOfJob {
  readonly hostId: string;
  readonly hostName: string;
}

/** Why a host did not do a job. */
export function hostFailure(error: unknown, { hostId, hostName }: HostOfJob): Failure {
  const cause = causeOf(error);
  const host: NamedHost = { id: hostId, name: hostName };
  if (cause instanceof AttemptLost) return { kind: 'HostGone', message: cause.message, host };
  if (cause instanceof TimeoutFailure) {
    const what =
      cause.timeoutType === 'SCHEDULE_TO_START' ? 'did not take the job' : 'was not heard of any more';
    return { kind: 'HostGone', message: `the host ${what}`, host };
  }
  if (cause instanceof CancelledFailure) {
    return { kind: 'HostGone', message: `the host gave the job back (${cause.message})`, host };
  }
  if (cause instanceof ApplicationFailure) {
    const { value } = read(failure, cause.details?.[0]);
    if (value !== undefined) return value;
    if (isKind(cause.type)) return { kind: cause.type, message: cause.message };
  }
  return { kind: 'HostFault', message: `the host failed: ${messageOf(error)}`, host };
}

/** An attempt whose download failed, as the control side records it and the rules judge it. */
export interface FailedAttempt {
  readonly hostId: string;
  readonly failure: Failure;
  readonly tries: readonly Try[];
  readonly pool?: PoolReport;
  /** Bytes of the file that the pool holds now. */
  readonly position: number;
}

/**
 * Reads a failed download from the host's own report, from the last heartbeat, or from Temporal's time-out, in that
 * order.
 */
export function failedAttempt(
  error: unknown,
  where: HostOfJob & { readonly source: string; readonly began: string; readonly handedOver?: boolean },
  copyId: string,
): FailedAttempt {
  const cause = causeOf(error);
  const failed =
    cause instanceof ApplicationFailure ? read(downloadFailure, cause.details?.[0]).value : undefined;
  const report = failed ?? cancelledDownload(error);
  const heartbeat = lastHeartbeatOf(cause);
  const reason = failed?.failure ?? (where.handedOver === true ? drained(where) : hostFailure(error, where));
  const tries = report?.tries ?? [];
  const unreported: Try = {
    source: heartbeat?.source ?? where.source,
    startedAt: where.began,
    endedAt: new Date().toISOString(),
    bytes: heartbeat?.bytes ?? 0,
    failure: reason,
  };
  return {
    hostId: where.hostId,
    failure: reason,
    // A failure that no try reports, such as a host that is gone, is recorded as one more try.
    tries:
      tries.at(-1)?.failure === undefined ? [...(heartbeat?.attempt?.tries ?? tries), unreported] : tries,
    position: report?.pool?.parts?.[copyId] ?? heartbeat?.bytes ?? 0,
    ...(report?.pool === undefined ? {} : { pool: report.pool }),
  };
}

const drained = ({ hostId, hostName }: HostOfJob): Failure => ({
  kind: 'HostGone',
  message: 'the host was drained, or others could not fetch from it: another one goes on',
  host: { id: hostId, name: hostName },
});

function lastHeartbeatOf(cause: unknown): Progress | undefined {
  if (cause instanceof AttemptLost) return cause.lastHeartbeat;
  return cause instanceof TimeoutFailure ? read(progress, cause.lastHeartbeatDetails).value : undefined;
}

/** The host's report of a download that was cancelled; undefined when the host sent none. */
export function cancelledDownload(
  error: unknown,
): Partial<Pick<DownloadStopped, 'tries' | 'pool'>> | undefined {
  const cause = causeOf(error);
  return cause instanceof CancelledFailure ? read(downloadStopped, cause.details?.[0]).value : undefined;
}

/** The failure that ends a workflow for this reason. */
export const endingFailure = (reason: Failure): ApplicationFailure =>
  ApplicationFailure.create({
    type: reason.kind,
    message: describeFailureWithHost(reason),
    nonRetryable: true,
    details: [reason],
  });

/** The kind of the failure that ended a workflow, for the search attribute `Reason`; null when it has none. */
export function kindOf(error: unknown): string | null {
  const cause = causeOf(error);
  return cause instanceof ApplicationFailure ? (cause.type ?? null) : null;
}

/** The failure that ended a workflow, as the jobs that wait for it report it. */
export function jobErrorOf(error: unknown): JobError {
  const cause = causeOf(error);
  const { type, details } = cause instanceof ApplicationFailure ? cause : {};
  const { value: reason } = read(failure, details?.[0]);
  if (reason !== undefined) {
    const { kind, host } = reason;
    const text = describeFailure(reason);
    return { code: failures[kind].apiCode, text, kind, ...(host === undefined ? {} : { host }) };
  }
  const text = messageOf(error);
  if (isKind(type)) return { code: failures[type].apiCode, text, kind: type };
  return { code: apiCodes.internal, text, ...(isNotPossible(error) ? { kind: 'NotPossible' } : {}) };
}

const isKind = (type: string | null | undefined): type is FailureKind =>
  typeof type === 'string' && isFailureKind(type);
