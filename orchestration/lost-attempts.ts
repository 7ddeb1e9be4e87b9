/**
 * Signals deployments that their host worker was restarted, so that they start another attempt at once and do not wait
 * for the heartbeat timeout of the lost one.
 */
import type { Client } from '@temporalio/client';
import { LOST_SIGNAL, workflowTypes } from '../model/names.ts';
import { progress } from '../model/messages/progress.ts';
import { read } from '../model/messages/schema.ts';
import type { LostAttempt } from '../model/run-messages.ts';
import { heartbeatOf } from './live.ts';
import { isAbsent } from './workflow-status.ts';

/**
 * Signals only attempts that have sent a heartbeat. A job that the host had not taken yet is taken by its new start.
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
    if (await signalIfLost(client, { workflowId, runId }, incarnation)) signalled += 1;
  }
  return signalled;
}

async function signalIfLost(
  client: Client,
  { workflowId, runId }: { readonly workflowId: string; readonly runId: string },
  incarnation: string,
): Promise<boolean> {
  const handle = client.workflow.getHandle(workflowId, runId);
  try {
    const { value: heartbeat } = read(progress, heartbeatOf(await handle.describe(), 'download'));
    if (heartbeat?.attempt === undefined || heartbeat.attempt.incarnation === incarnation) return false;
    const lost: LostAttempt = { v: 1, attemptId: heartbeat.attempt.id, progress: heartbeat };
    await handle.signal(LOST_SIGNAL, lost);
    return true;
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
}
