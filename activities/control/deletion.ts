/** The control side of the deletion of a template. */
import pLimit from 'p-limit';
import { beginDeletion, failDeletion, finishDeletion } from '../../db/copies/removals.ts';
import type { CopyToRemove } from '../../db/copies/removals.ts';
import { copyWorkflowId } from '../../model/names.ts';
import type { DeletionInput } from '../../model/payloads.ts';
import { withHeartbeats, workflowId } from '../context.ts';
import type { ControlDeps } from './deps.ts';

export interface DoomedCopies {
  readonly templateId: string;
  /** Of the template. */
  readonly name: string;
  readonly copies: readonly CopyToRemove[];
  /** The removals were requested before: only those whose workflows do not run are requested again. */
  readonly again: boolean;
}

export interface DeletionActivities {
  /** Marks the template as deleted, so that nobody can deploy it any more. @returns its copies */
  beginDeletion(
    templateId: string,
  ): Promise<{ readonly name: string; readonly copies: readonly CopyToRemove[] }>;
  /** Requests the removal of each copy, whose workflow signals the calling one at its end. Sends heartbeats. */
  requestRemovals(doomed: DoomedCopies): Promise<void>;
  /** Removes the rows of a template without copies, and completes the jobs that wait. */
  finishDeletion(input: DeletionInput): Promise<void>;
  /** Fails the jobs that wait for the deletion. */
  failDeletion(templateId: string, text: string): Promise<void>;
}

/** Requests to Temporal at the same time. */
const MAX_CONCURRENT_REQUESTS = 8;

export function createDeletionActivities({ db, orchestration }: ControlDeps): DeletionActivities {
  const request = async (
    { templateId, name, again }: DoomedCopies,
    { poolId, poolName }: CopyToRemove,
  ): Promise<void> => {
    if (again && (await orchestration.isRunning(copyWorkflowId(templateId, poolId)))) return;
    const listener = workflowId();
    await orchestration.startRemoval(
      { templateId, poolId },
      { by: `the deletion of ${name}`, listener },
      { template: name, pool: poolName },
    );
  };
  return {
    beginDeletion: (templateId) => beginDeletion(db, templateId),

    requestRemovals: (doomed) =>
      withHeartbeats(null, async ({ signal }) => {
        const limit = pLimit(MAX_CONCURRENT_REQUESTS);
        try {
          await limit.map(doomed.copies, async (copy) => {
            signal.throwIfAborted();
            await request(doomed, copy);
          });
        } finally {
          // After a failure, the next attempt requests the rest.
          limit.clearQueue();
        }
      }),

    finishDeletion: (input) => finishDeletion(db, input, workflowId()),
    failDeletion: (templateId, text) => failDeletion(db, templateId, text),
  };
}
