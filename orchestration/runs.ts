/** Whether a workflow runs, and waiting until it does no more. */
import { WorkflowFailedError, WorkflowNotFoundError } from '@temporalio/client';
import type { Client } from '@temporalio/client';

/** Whether an error means that no workflow of that id is open or known. */
export const isAbsent = (error: unknown): boolean => error instanceof WorkflowNotFoundError;

/** Waits for the end of a workflow and of those that it continued as, however they end. */
export async function ended(client: Client, workflowId: string, signal?: AbortSignal): Promise<void> {
  const wait = (): Promise<unknown> => client.workflow.getHandle(workflowId).result();
  try {
    await (signal === undefined ? wait() : client.withAbortSignal(signal, wait));
  } catch (error) {
    if (!isAbsent(error) && !(error instanceof WorkflowFailedError)) throw error;
  }
}
