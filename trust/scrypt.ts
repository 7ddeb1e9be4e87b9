/**
 * Hashes passwords in one thread. `crypto.scrypt` would use libuv's threads. A process has four of them for files, names
 * and keys, so that four wrong passwords at a time would delay every call.
 */
import type { Worker } from 'node:worker_threads';
import { startThread } from '../platform/threads.ts';
import type { ScryptAnswer, ScryptTask } from './scrypt.thread.ts';

let thread: Worker | undefined;

/** Takes one task at a time: callers must wait for the answer before the next call. */
export function scryptInThread(task: ScryptTask): Promise<Buffer> {
  const worker = (thread ??= startScryptThread());
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      // An idle thread must not keep the process alive.
      worker.unref();
      worker.off('message', onAnswer).off('error', onError);
    };
    const onAnswer = (answer: ScryptAnswer): void => {
      settle();
      if ('key' in answer) resolve(Buffer.from(answer.key));
      else reject(new Error(answer.error));
    };
    const onError = (error: Error): void => {
      settle();
      reject(error);
    };
    worker.ref();
    worker.on('message', onAnswer).on('error', onError);
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    worker.postMessage(task);
  });
}

function startScryptThread(): Worker {
  const program = new URL('./scrypt.thread.ts', import.meta.url);
  const worker = startThread(program, { name: 'scrypt', env: {}, execArgv: [] });
  worker.on('exit', () => {
    if (thread === worker) thread = undefined;
  });
  return worker;
}
