/**
 * The threads of Temporal's SDK in which workflows run, without its hook on promises. The hook makes a stack trace for each
 * promise of a workflow, for the tab "Call Stack" of Temporal's page and the query `__stack_trace`, and takes a third of the
 * time of workflows. The SDK has no setting for it, so its threads load workflow.thread.ts first.
 */
import threads, { Worker } from 'node:worker_threads';
import type { WorkerOptions } from 'node:worker_threads';
import { compiledFile } from '../platform/installation.ts';

const PRELOAD = compiledFile('workers/workflow.thread.js');

/** Threads that `create` starts before its promise settles have no hook on promises. */
export async function withoutPromiseHooks<T>(create: () => Promise<T>): Promise<T> {
  threads.Worker = class extends Worker {
    constructor(program: string | URL, options: WorkerOptions = {}) {
      super(program, { ...options, execArgv: [...process.execArgv, '--import', PRELOAD] });
    }
  };
  try {
    return await create();
  } finally {
    threads.Worker = Worker;
  }
}
