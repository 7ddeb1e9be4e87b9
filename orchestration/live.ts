/** What workflows of copies and registrations do right now, read from Temporal without asking any worker. */
import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import {
  ATTEMPT_MEMO,
  WAIT_MEMO,
  copyWorkflowId,
  templateWorkflowId,
  workflowTypes,
} from '../model/names.ts';
import type { Wait } from '../model/payloads.ts';
import type { Progress, ProbeProgress } from '../model/progress.ts';
import { attributeKey } from './attributes.ts';
import { isAbsent } from './runs.ts';

export interface LiveCopy {
  readonly workflowId: string;
  readonly runId: string;
  /** Workflow type: deployment or removal. */
  readonly type: string;
  /** How far the running download is; absent while none runs. As fresh as its heartbeats. */
  readonly progress?: Progress;
  /** The host that works on it, or did last. */
  readonly hostId?: string;
  /** How many downloads this run has begun. */
  readonly attempt: number;
  /** Why it waits; absent while it works. */
  readonly wait?: Wait;
}

/** Descriptions asked for at the same time. */
const AT_ONCE = 16;

export async function describeCopies(
  client: Client,
  copies: readonly { readonly templateId: string; readonly poolId: string }[],
): Promise<ReadonlyMap<string, LiveCopy>> {
  const queue = copies.map(({ templateId, poolId }) => copyWorkflowId(templateId, poolId));
  const found = new Map<string, LiveCopy>();
  const lane = async (): Promise<void> => {
    for (let id = queue.shift(); id !== undefined; id = queue.shift()) {
      const copy = await describeCopy(client, id);
      if (copy !== undefined) found.set(id, copy);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return found;
}

async function describeCopy(client: Client, workflowId: string): Promise<LiveCopy | undefined> {
  const description = await describeOpen(client, workflowId);
  return description === undefined ? undefined : liveCopy(description);
}

/** A registration that runs: what its probe has found so far; absent until a host has begun with it. */
export interface LiveRegistration {
  readonly probe?: ProbeProgress;
}

export async function describeRegistration(
  client: Client,
  templateId: string,
): Promise<LiveRegistration | undefined> {
  const description = await describeOpen(client, templateWorkflowId(templateId));
  if (description?.type !== workflowTypes.registration) return undefined;
  const probe = heartbeatOf(description, 'probe') as ProbeProgress | undefined;
  // A host of an earlier release beats without words.
  return Array.isArray(probe?.verdicts) ? { probe } : {};
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
  const progress = heartbeatOf(description, 'download') as Progress | undefined;
  const hostId = typedSearchAttributes.get(attributeKey('HostId'));
  const wait = memo?.[WAIT_MEMO] as Wait | undefined;
  const attempt = (memo?.[ATTEMPT_MEMO] as number | undefined) ?? 0;
  return {
    workflowId,
    runId,
    type,
    attempt,
    ...(progress === undefined ? {} : { progress }),
    ...(hostId === undefined ? {} : { hostId }),
    ...(wait === undefined || wait === null ? {} : { wait }),
  };
}

/** What the running activity of that type said last. */
function heartbeatOf({ raw }: WorkflowExecutionDescription, activity: string): unknown {
  const pending = raw.pendingActivities?.find(({ activityType }) => activityType?.name === activity);
  const details = pending?.heartbeatDetails?.payloads?.[0];
  return details ? defaultPayloadConverter.fromPayload(details) : undefined;
}
