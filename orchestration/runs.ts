/** Whether a workflow runs, and waiting until it does no more. */
import {
  WorkflowFailedError,
  WorkflowNotFoundError,
  isGrpcCancelledError,
  isGrpcDeadlineError,
} from '@temporalio/client';
import type { Client } from '@temporalio/client';

/** Whether an error means that no workflow of that id is open or known. */
export const isAbsent = (error: unknown): boolean => error instanceof WorkflowNotFoundError;

/** Whether a call was ended by its deadline; of whom notices it first, one says so and the other says "cancelled". */
export const isLate = (error: unknown): boolean => isGrpcDeadlineError(error) || isGrpcCancelledError(error);

/** Milliseconds after which a wait asks anew; an abandoned one leaves nothing behind for longer. */
const ASK_AGAIN_MS = 20_000;

/**
 * Waits for the end of a workflow and of those that it continued as, however they end.
 * @throws the signal's reason when aborted
 */
export async function ended(client: Client, workflowId: string, signal?: AbortSignal): Promise<void> {
  const handle = client.workflow.getHandle(workflowId);
  for (;;) {
    signal?.throwIfAborted();
    const wait = client.withDeadline(Date.now() + ASK_AGAIN_MS, () => handle.result());
    try {
      await (signal === undefined ? wait : orAborted(wait, signal));
      return;
    } catch (error) {
      if (isAbsent(error) || error instanceof WorkflowFailedError) return;
      if (!isLate(error)) throw error;
    }
  }
}

/** The worker's connection does not end its calls when a signal aborts, so that the caller goes on without it. */
function orAborted<T>(wait: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    wait.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
