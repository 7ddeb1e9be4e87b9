/** A program's standard output as the body of a file, with the budgets that a server's body has. */
import { spawn } from 'node:child_process';
import { types } from 'node:util';
import { ImageError } from '../../../../model/failures.ts';
import { confined } from '../../../confinement.ts';
import { watchBody } from '../../network/body-watch.ts';
import { duration } from '../../network/budgets.ts';
import type { Budgets } from '../../network/budgets.ts';
import { ChunkQueue } from '../../network/chunk-queue.ts';

/** Characters of a program's error output. */
const OUTPUT_LIMIT = 4096;

export interface ProgramStream {
  readonly body: ChunkQueue;
  /** Ends the program; harmless after its end. */
  close(): void;
}

export interface ProgramOptions {
  readonly budgets: Budgets;
  readonly signal: AbortSignal;
  /**
   * Makes the error of a program that failed.
   * @param output the ends of its standard error and standard output
   * @param begun whether it had given bytes of the file
   */
  readonly explain: (output: string, begun: boolean) => ImageError;
}

/** No shell, nothing on its standard input. Failures of any kind come out of the body. */
export function startProgram(name: string, args: readonly string[], options: ProgramOptions): ProgramStream {
  const { budgets, signal, explain } = options;
  const child = spawn(name, args, { stdio: ['ignore', 'pipe', 'pipe'], ...confined() });
  let [stderr, begun, over] = ['', false, false];
  let last: Buffer = Buffer.alloc(0);
  const finish = (): void => {
    over = true;
    clearTimeout(timer);
    watch.stop();
    signal.removeEventListener('abort', onAbort);
    child.kill('SIGKILL');
  };
  const fail = (error: Error): void => {
    if (over) return;
    finish();
    body.fail(error);
  };
  const onAbort = (): void => fail(asError(signal.reason));
  const body = new ChunkQueue({
    pause: () => void child.stdout.pause(),
    resume: () => void child.stdout.resume(),
    cancel: finish,
  });
  const answerMs = budgets.connectMs + budgets.headersMs;
  const timer = setTimeout(() => {
    const limit = `${duration(answerMs)} (limits for connecting and headers)`;
    fail(new ImageError('Stalled', `did not answer within ${limit}`));
  }, answerMs);
  let watch = { count: (_bytes: number): void => undefined, stop: (): void => undefined };
  child.stdout.on('data', (chunk: Buffer) => {
    if (over) return;
    if (!begun) watch = watchBody(budgets, body, fail);
    begun = true;
    last = chunk;
    clearTimeout(timer);
    watch.count(chunk.length);
    body.push(chunk);
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString('latin1')).slice(-OUTPUT_LIMIT);
  });
  child.once('error', (error: NodeJS.ErrnoException) => {
    const missing = error.code === 'ENOENT' || error.code === 'EACCES';
    const sentence = missing ? `${name} is not installed on this host` : `${name} cannot be run`;
    fail(new ImageError(missing ? 'ProgramMissing' : 'HostFault', sentence, { cause: error }));
  });
  child.once('close', (code) => {
    if (over) return;
    if (code !== 0) return fail(explain(stderr + last.subarray(-OUTPUT_LIMIT).toString('latin1'), begun));
    body.end();
    finish();
  });
  signal.addEventListener('abort', onAbort, { once: true });
  return { body, close: finish };
}

const asError = (reason: unknown): Error =>
  types.isNativeError(reason) || reason instanceof Error ? reason : new Error(String(reason));
