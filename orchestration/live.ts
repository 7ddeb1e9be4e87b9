/** What the workflows of copies do right now, read from Temporal without asking any worker. */
import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { ATTEMPT_MEMO, WAIT_MEMO, copyWorkflowId } from '../model/names.ts';
import type { Wait } from '../model/payloads.ts';
import type { Progress } from '../model/progress.ts';
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
  try {
    const description = await client.workflow.getHandle(workflowId).describe();
    const open = description.status.name === 'RUNNING' || description.status.name === 'PAUSED';
    return open ? liveCopy(description) : undefined;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

function liveCopy(description: WorkflowExecutionDescription): LiveCopy {
  const { workflowId, runId, type, memo, typedSearchAttributes } = description;
  const progress = progressOf(description);
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

function progressOf({ raw }: WorkflowExecutionDescription): Progress | undefined {
  const download = raw.pendingActivities?.find(({ activityType }) => activityType?.name === 'download');
  const details = download?.heartbeatDetails?.payloads?.[0];
  return details ? defaultPayloadConverter.fromPayload<Progress>(details) : undefined;
}
