/** Runs empty workflows on the Temporal server of a stack: what the engine does when Bypass does nothing. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { EMPTY_QUEUE, EMPTY_WORKFLOW } from './empty-worker.ts';
import type { EmptySteps } from './empty-worker.ts';
import { stop } from './processes.ts';
import type { Stack } from './stack.ts';

/** The namespace of every stack of the bench. */
export const NAMESPACE = 'default';

/** Runs an empty workflow to its end. */
export type EmptyRun = (steps: EmptySteps) => Promise<void>;

export async function withEmptyWorker<T>({ ready }: Stack, use: (run: EmptyRun) => Promise<T>): Promise<T> {
  const { temporalAddress: address } = ready;
  const program = fileURLToPath(new URL('./empty-worker.js', import.meta.url));
  const worker = spawn(process.execPath, [program, address, NAMESPACE], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    await Promise.race([once(worker.stdout, 'data'), endedEarly(worker)]);
    const connection = await Connection.connect({ address });
    try {
      const { workflow } = new Client({ connection, namespace: NAMESPACE });
      return await use(async (steps) => {
        await workflow.execute(EMPTY_WORKFLOW, {
          taskQueue: EMPTY_QUEUE,
          workflowId: `bench:${randomUUID()}`,
          args: [steps],
        });
      });
    } finally {
      await connection.close();
    }
  } finally {
    await stop(worker);
  }
}

async function endedEarly(worker: ReturnType<typeof spawn>): Promise<never> {
  await once(worker, 'exit');
  throw new Error('The worker of the empty workflow ended before it ran.');
}
