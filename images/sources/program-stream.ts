/** What a program writes to its standard output, under the same limits as what a server sends. */
import { spawn } from 'node:child_process';
import { types } from 'node:util';
import { ImageError } from '../../model/failures.ts';
import { watchBody } from './body-watch.ts';
import { duration } from './budgets.ts';
import type { Budgets } from './budgets.ts';
import { ChunkQueue } from './chunk-queue.ts';

/** Characters of what a program says of itself. */
const TOLD_LIMIT = 4096;

export interface ProgramStream {
  readonly body: ChunkQueue;
  /** Ends the program; harmless after its end. */
  close(): void;
}

export interface ProgramOptions {
  readonly budgets: Budgets;
  readonly signal: AbortSignal;
  /**
   * What it means that the program failed.
   * @param told the ends of its standard error and output
   * @param begun whether anything came before
   */
  readonly explain: (told: string, begun: boolean) => ImageError;
}

/** No shell, nothing on its standard input. Failures of any kind come out of the body. */
export function startProgram(name: string, args: readonly string[], options: ProgramOptions): ProgramStream {
  const { budgets, signal, explain } = options;
  const child = spawn(name, args, { stdio: ['ignore', 'pipe', 'pipe'], shell: false });
  let [told, begun, over] = ['', false, false];
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
    told = (told + chunk.toString('latin1')).slice(-TOLD_LIMIT);
  });
  child.once('error', (error: NodeJS.ErrnoException) => {
    const missing = error.code === 'ENOENT' || error.code === 'EACCES';
    const sentence = missing ? `${name} is not installed on this host` : `${name} cannot be run`;
    fail(new ImageError(missing ? 'ProgramMissing' : 'HostFault', sentence, { cause: error }));
  });
  child.once('close', (code) => {
    if (over) return;
    if (code !== 0) return fail(explain(told + last.subarray(-TOLD_LIMIT).toString('latin1'), begun));
    body.end();
    finish();
  });
  signal.addEventListener('abort', onAbort, { once: true });
  return { body, close: finish };
}

const asError = (reason: unknown): Error =>
  types.isNativeError(reason) || reason instanceof Error ? reason : new Error(String(reason));
