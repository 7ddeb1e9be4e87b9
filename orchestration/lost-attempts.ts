/**
 * Signals deployments that their host worker was restarted, so that they start another attempt at once and do not wait
 * for the heartbeat timeout of the lost one.
 */
import type { Client, WorkflowExecutionDescription, WorkflowHandle } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { isOtherStart, LOST_SIGNAL, workflowTypes } from '../model/names.ts';
import { progress } from '../model/messages/progress.ts';
import { read, uuid } from '../model/messages/schema.ts';
import type { DownloadJob } from '../model/payloads.ts';
import type { LostAttempt } from '../model/run-messages.ts';
import { heartbeatOf, pendingActivity } from './live.ts';
import { isAbsent } from './workflow-status.ts';

/**
 * Signals only attempts that the host had taken. A job that it had not taken yet is taken by its new start. Who took a job is
 * told by its heartbeats or, while it is silent, by the identity of the worker.
 * @param incarnation of the host's new start
 * @returns the number of deployments signalled
 */
export async function signalLostAttempts(
  client: Client,
  hostId: string,
  incarnation: string,
  signal: AbortSignal,
): Promise<number> {
  const query =
    `WorkflowType = '${workflowTypes.deployment}' AND ExecutionStatus = 'Running' ` +
    `AND HostId = '${hostId}' AND State = 'Downloading'`;
  let signalled = 0;
  for await (const { workflowId, runId } of client.workflow.list({ query })) {
    signal.throwIfAborted();
    const handle = client.workflow.getHandle(workflowId, runId);
    if (await signalIfLost(handle, { hostId, incarnation })) signalled += 1;
  }
  return signalled;
}

interface Start {
  readonly hostId: string;
  readonly incarnation: string;
}

async function signalIfLost(handle: WorkflowHandle, start: Start): Promise<boolean> {
  try {
    const lost = await lostAttempt(handle, start);
    if (lost === undefined) return false;
    await handle.signal(LOST_SIGNAL, lost);
    return true;
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
}

/** @returns undefined when this start runs the attempt, or none has begun */
async function lostAttempt(handle: WorkflowHandle, start: Start): Promise<LostAttempt | undefined> {
  const description = await handle.describe();
  const { value: heartbeat } = read(progress, heartbeatOf(description, 'download'));
  if (heartbeat?.attempt === undefined) return silentAttempt(handle, description, start);
  const { id, incarnation } = heartbeat.attempt;
  return incarnation === start.incarnation ? undefined : { v: 1, attemptId: id, progress: heartbeat };
}

/** The server shows who took a job without what it is: that is in the history alone. */
async function silentAttempt(
  handle: WorkflowHandle,
  description: WorkflowExecutionDescription,
  { hostId, incarnation }: Start,
): Promise<LostAttempt | undefined> {
  const { activityId, lastWorkerIdentity } = pendingActivity(description, 'download') ?? {};
  if (!isOtherStart(lastWorkerIdentity ?? '', hostId, incarnation)) return undefined;
  const { events } = await handle.fetchHistory();
  const job = events
    ?.map((event) => event.activityTaskScheduledEventAttributes)
    .findLast((scheduled) => scheduled?.activityId === activityId)?.input?.payloads?.[0];
  if (!job) return undefined;
  const { attemptId } = defaultPayloadConverter.fromPayload<Partial<DownloadJob>>(job);
  const { value: id } = read(uuid(), attemptId);
  return id === undefined ? undefined : { v: 1, attemptId: id };
}
