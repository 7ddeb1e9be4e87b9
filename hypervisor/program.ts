/**
 * Runs a program of the host: a vector of arguments and no shell, a fixed environment, a time-out, limited output. Error
 * texts are in English, since LC_ALL is C.
 */
import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { blankControlCharacters } from '../model/control-characters.ts';
import { errnoOf } from '../platform/errno.ts';

export interface ProgramCall {
  /** Milliseconds; absent: no limit. */
  readonly timeoutMs?: number;
  /** Ends the program. */
  readonly signal?: AbortSignal | undefined;
  /** Descriptor of its standard input. Default: nothing. */
  readonly input?: number | undefined;
  /** Gets the lines of the output, which are not kept then. */
  readonly onLine?: ((line: string) => void) | undefined;
}

export type ProgramEnd =
  | {
      readonly how: 'exit';
      readonly code: number | string | null;
      readonly output: string;
      readonly errors: string;
    }
  | { readonly how: 'late' }
  | { readonly how: 'absent' };

/** The XML of a domain and lists of domains are far smaller. */
const MAX_OUTPUT = 16 * 1024 * 1024;
const MAX_ERRORS = 8192;

/** @throws the signal's reason when aborted */
export async function runProgram(
  program: string,
  args: readonly string[],
  { signal, timeoutMs, input, onLine }: ProgramCall = {},
): Promise<ProgramEnd> {
  signal?.throwIfAborted();
  const child = spawn(program, args, {
    stdio: [input ?? 'ignore', 'pipe', 'pipe'],
    shell: false,
    cwd: '/',
    env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' },
  }) as ChildProcessByStdio<null, Readable, Readable>;
  let isLate = false;
  const kill = (): void => void child.kill('SIGKILL');
  const onTimeout = (): void => {
    isLate = true;
    kill();
  };
  const timer = timeoutMs === undefined ? undefined : setTimeout(onTimeout, timeoutMs);
  signal?.addEventListener('abort', kill, { once: true });
  const output = onLine === undefined ? collect(child.stdout, MAX_OUTPUT) : eachLine(child.stdout, onLine);
  const errors = collect(child.stderr, MAX_ERRORS);
  try {
    const code = await new Promise<number | string | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (status, by) => resolve(status ?? by));
    });
    signal?.throwIfAborted();
    return isLate ? { how: 'late' } : { how: 'exit', code, output: output(), errors: errors() };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'EACCES') return { how: 'absent' };
    throw error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', kill);
  }
}

const MAX_SENTENCE = 400;

/** What a program wrote to its standard error, in one line. */
export const sentenceOf = (errors: string): string =>
  blankControlCharacters(
    errors
      .split('\n')
      .map((line) => line.replace(/^error: /, '').trim())
      .filter((line) => line !== '')
      .join('; '),
  ).slice(0, MAX_SENTENCE) || 'no reason given';

/** @returns what was read, without what exceeds the limit */
function collect(stream: Readable, limit: number): () => string {
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    if (text.length < limit) text += chunk.slice(0, limit - text.length);
  });
  return () => text;
}

function eachLine(stream: Readable, onLine: (line: string) => void): () => string {
  createInterface({ input: stream }).on('line', onLine);
  return () => '';
}
