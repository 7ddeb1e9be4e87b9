/**
 * The live state of copies and registrations: progress, host, attempt and wait of their open workflows.
 *
 * It is read from DescribeWorkflowExecution alone: heartbeats of the pending activity, memo and search attributes. A query
 * would need a workflow task, and so a free control worker; a list of copies must never wait for one, or load it. A workflow
 * that closes meanwhile counts as absent. Heartbeats and memos are not signed: they may be shown and may shorten a wait, but
 * nothing may be decided or recorded by them.
 */
import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import pLimit from 'p-limit';
import {
  ATTEMPT_MEMO,
  WAIT_MEMO,
  copyWorkflowId,
  templateWorkflowId,
  workflowTypes,
} from '../model/names.ts';
import type { HostActivityName } from '../model/host-activities.ts';
import { probeProgress, progress } from '../model/messages/progress.ts';
import { read, uuid } from '../model/messages/schema.ts';
import type { Wait } from '../model/payloads.ts';
import type { Progress, ProbeProgress } from '../model/progress.ts';
import type { RunningFetch } from '../model/throughput.ts';
import { attributeKey } from './search-attributes.ts';
import { isAbsent } from './workflow-status.ts';

export interface LiveCopy {
  readonly workflowId: string;
  readonly runId: string;
  /** Workflow type: deployment or removal. */
  readonly type: string;
  /** Progress of the running download, as of its last heartbeat; absent while none runs. */
  readonly progress?: Progress;
  /** Bytes that the running download has fetched; absent when its host does not report them. */
  readonly fetch?: RunningFetch;
  /** The host that works on the copy, or was the last to do so. */
  readonly hostId?: string;
  /** Number of downloads that this run has started. */
  readonly attempt: number;
  /** A host downloads or removes the copy now. */
  readonly busy?: true;
  /** Why the workflow waits; absent while it works. */
  readonly wait?: Wait;
}

/** Calls to Temporal at the same time. */
const MAX_CONCURRENT_CALLS = 16;

/** @returns the open workflows of these copies, by workflow id; a copy without one is absent */
export async function describeCopies(
  client: Client,
  copies: readonly { readonly templateId: string; readonly poolId: string }[],
): Promise<ReadonlyMap<string, LiveCopy>> {
  const limit = pLimit(MAX_CONCURRENT_CALLS);
  const found = new Map<string, LiveCopy>();
  try {
    await limit.map(copies, async ({ templateId, poolId }) => {
      const id = copyWorkflowId(templateId, poolId);
      const copy = await describeCopy(client, id);
      if (copy !== undefined) found.set(id, copy);
    });
  } finally {
    // After a failure, no further call is made.
    limit.clearQueue();
  }
  return found;
}

async function describeCopy(client: Client, workflowId: string): Promise<LiveCopy | undefined> {
  const description = await describeOpen(client, workflowId);
  return description === undefined ? undefined : liveCopy(description);
}

/** A running registration. */
export interface LiveRegistration {
  /** What the probe has found so far; absent until a host has started it. */
  readonly probe?: ProbeProgress;
}

export async function describeRegistration(
  client: Client,
  templateId: string,
): Promise<LiveRegistration | undefined> {
  const description = await describeOpen(client, templateWorkflowId(templateId));
  if (description?.type !== workflowTypes.registration) return undefined;
  const { value: probe } = read(probeProgress, heartbeatOf(description, 'probe'));
  return probe === undefined ? {} : { probe };
}

async function describeOpen(
  client: Client,
  workflowId: string,
): Promise<WorkflowExecutionDescription | undefined> {
  try {
    const description = await client.workflow.getHandle(workflowId).describe();
    const open = description.status.name === 'RUNNING' || description.status.name === 'PAUSED';
    return open ? description : undefined;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

function liveCopy(description: WorkflowExecutionDescription): LiveCopy {
  const { workflowId, runId, type, memo, typedSearchAttributes } = description;
  const { value: running } = read(progress, heartbeatOf(description, 'download'));
  const hostId = typedSearchAttributes.get(attributeKey('HostId'));
  const fetch = running && fetchOf(running, beginOf(description));
  const wait = memo?.[WAIT_MEMO] as Wait | undefined;
  const attempt = (memo?.[ATTEMPT_MEMO] as number | undefined) ?? (hostId === undefined ? 0 : 1);
  return {
    workflowId,
    runId,
    type,
    attempt,
    ...(HOST_WORK.some((name) => pendingActivity(description, name) !== undefined) ? { busy: true } : {}),
    ...(running === undefined ? {} : { progress: running }),
    ...(fetch === undefined ? {} : { fetch }),
    ...(hostId === undefined ? {} : { hostId }),
    ...(wait === undefined || wait === null ? {} : { wait }),
  };
}

function fetchOf(
  { fetched, attempt }: Progress,
  begun: ReturnType<typeof beginOf>,
): RunningFetch | undefined {
  const { value: attemptId } = read(uuid(), attempt?.id);
  if (fetched === undefined || attemptId === undefined || !begun) return undefined;
  const ms = Number(begun.seconds ?? 0) * 1000 + (begun.nanos ?? 0) / 1_000_000;
  return { attemptId, bytes: fetched, begun: new Date(ms) };
}

const HOST_WORK: readonly HostActivityName[] = ['download', 'remove'];

export const pendingActivity = ({ raw }: WorkflowExecutionDescription, name: HostActivityName) =>
  raw.pendingActivities?.find(({ activityType }) => activityType?.name === name);

/** Start time of the running download. */
const beginOf = (description: WorkflowExecutionDescription) =>
  pendingActivity(description, 'download')?.lastStartedTime;

/** The last heartbeat of the pending activity of this type. */
export function heartbeatOf(description: WorkflowExecutionDescription, activity: HostActivityName): unknown {
  const details = pendingActivity(description, activity)?.heartbeatDetails?.payloads?.[0];
  return details ? defaultPayloadConverter.fromPayload(details) : undefined;
}
