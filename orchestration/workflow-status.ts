/** What an error of a Temporal call says about a workflow, and the wait for a workflow's end. */
import {
  WorkflowFailedError,
  WorkflowNotFoundError,
  isGrpcCancelledError,
  isGrpcDeadlineError,
} from '@temporalio/client';
import type { Client } from '@temporalio/client';

/** Whether an error means that no workflow of the id is open or known. */
export const isAbsent = (error: unknown): boolean => error instanceof WorkflowNotFoundError;

/** Whether a call ended by its deadline. The server reports that as a deadline error, the client as a cancellation. */
export const isLate = (error: unknown): boolean => isGrpcDeadlineError(error) || isGrpcCancelledError(error);

/** Milliseconds of one poll. An abandoned wait leaves a poll behind for at most this long. */
const POLL_MS = 20_000;

/**
 * Waits for the end of a workflow and of the runs that continue it, whatever its outcome. Activities must not call this: an
 * activity that waits for a workflow holds a slot which that workflow may need.
 */
export async function waitForEnd(client: Client, workflowId: string): Promise<void> {
  const handle = client.workflow.getHandle(workflowId);
  for (;;) {
    try {
      await client.withDeadline(Date.now() + POLL_MS, () => handle.result());
      return;
    } catch (error) {
      if (isAbsent(error) || error instanceof WorkflowFailedError) return;
      if (!isLate(error)) throw error;
    }
  }
}
