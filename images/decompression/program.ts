/** A program of the host as a filter: bytes in, bytes out. No shell, no names, nothing of the file among its arguments. */
import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { ImageError } from '../../model/failures.ts';
import { damaged, hostile } from './failures.ts';

export interface Filter {
  readonly program: string;
  readonly args: readonly string[];
  readonly signal: AbortSignal;
  /** Folders to look for the program in, as in PATH; default those of this process. */
  readonly path?: string | undefined;
  /** Milliseconds in which it must take or give a byte, while there are some to take. Default 120 000. */
  readonly stallMs?: number | undefined;
}

const STALL_MS = 120_000;
const STDERR_BYTES = 4096;
const TOO_MUCH_MEMORY = /memory usage limit|too much memory|window size larger|memory limit/i;
/** bzip2 says so and succeeds all the same. */
const GARBAGE = /trailing garbage|ignored/i;

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
  readonly error?: NodeJS.ErrnoException;
}

/** @throws ImageError ProgramMissing, or what is wrong with the packed bytes; the signal's reason when aborted */
export async function* throughProgram(packed: AsyncIterable<Buffer>, filter: Filter): AsyncGenerator<Buffer> {
  filter.signal.throwIfAborted();
  const child = start(filter);
  const exited = exitOf(child);
  const said = collect(child.stderr);
  const stop = (): void => void child.kill('SIGKILL');
  filter.signal.addEventListener('abort', stop, { once: true });
  const watch = watchStall(filter.stallMs ?? STALL_MS, stop);
  const feeding = feed(packed, child, { exited, watch });
  feeding.catch(stop);
  try {
    for await (const chunk of child.stdout) {
      watch.moved();
      yield chunk as Buffer;
    }
    const exit = await exited;
    filter.signal.throwIfAborted();
    judge(filter.program, exit, { all: await feeding, said: said(), stalled: watch.stalled() });
  } finally {
    watch.end();
    stop();
    filter.signal.removeEventListener('abort', stop);
    child.stdin.destroy();
    await exited;
  }
}

function start({ program, args, path }: Filter): Child {
  // Nothing else of this process's environment: XZ_OPT and others would be options.
  const env = { PATH: path ?? process.env['PATH'] ?? '', LC_ALL: 'C' };
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], env, cwd: '/' });
  // A program that ends before its input does is met by its exit.
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream.on('error', () => undefined);
  return child;
}

const exitOf = (child: Child): Promise<Exit> =>
  new Promise((resolve) => {
    child.once('error', (error) => {
      if (child.pid === undefined) resolve({ code: null, signal: null, error });
    });
    child.once('close', (code, signal) => resolve({ code, signal }));
  });

function collect(stderr: Readable): () => string {
  let text = '';
  stderr.setEncoding('latin1').on('data', (chunk: string) => {
    if (text.length < STDERR_BYTES) text += chunk.slice(0, STDERR_BYTES - text.length);
  });
  return () => text;
}

interface Feed {
  readonly exited: Promise<Exit>;
  readonly watch: Watch;
}

/** @returns whether the program took all of it */
async function feed(
  packed: AsyncIterable<Buffer>,
  { stdin }: Child,
  { exited, watch }: Feed,
): Promise<boolean> {
  const chunks = packed[Symbol.asyncIterator]();
  const gone = exited.then(() => undefined);
  for (;;) {
    const next = await Promise.race([chunks.next(), gone]);
    if (next === undefined) return false;
    if (next.done === true) break;
    watch.waits(true);
    const taken = await Promise.race([
      new Promise<boolean>((resolve) => stdin.write(next.value, (error) => resolve(!error))),
      gone,
    ]);
    watch.waits(false);
    if (taken !== true) return false;
  }
  watch.waits(true);
  const ended = await Promise.race([
    new Promise<boolean>((resolve) => {
      stdin.once('error', () => resolve(false));
      stdin.end(() => resolve(true));
    }),
    gone,
  ]);
  return ended === true;
}

interface Watch {
  moved(): void;
  /** Whether the program has bytes to work on. */
  waits(hasWork: boolean): void;
  stalled(): boolean;
  end(): void;
}

function watchStall(ms: number, stop: () => void): Watch {
  let working = false;
  let late = false;
  const timer = setTimeout(() => {
    late = working;
    if (late) stop();
    else timer.refresh();
  }, ms);
  timer.unref();
  return {
    moved: () => void timer.refresh(),
    waits(hasWork) {
      working = hasWork;
      timer.refresh();
    },
    stalled: () => late,
    end: () => clearTimeout(timer),
  };
}

function judge(
  program: string,
  { code, signal, error }: Exit,
  { all, said, stalled }: { readonly all: boolean; readonly said: string; readonly stalled: boolean },
): void {
  const absent = ['ENOENT', 'EACCES', 'ENOTDIR'];
  if (absent.includes(error?.code ?? '')) throw missing(program);
  if (error !== undefined)
    throw new ImageError('HostFault', `${program} cannot be started (${error.message})`, { cause: error });
  if (stalled) throw new ImageError('HostFault', `${program} stood still and was ended`);
  if (code === null)
    throw new ImageError('HostFault', `${program} was ended by ${signal ?? 'something'} on this host`);
  if (TOO_MUCH_MEMORY.test(said)) throw hostile('needs more memory to unpack than it is given');
  if (code !== 0) throw damaged(`is damaged (${program}: ${firstLine(said)})`);
  if (!all || GARBAGE.test(said)) throw damaged('has something behind its compressed data');
}

const missing = (program: string): ImageError =>
  new ImageError('ProgramMissing', `the program ${program}, which unpacks the file, is not installed`);

const firstLine = (said: string): string =>
  (said.split('\n').find((line) => line.trim() !== '') ?? 'no reason given')
    .replace(/[^\x20-\x7e]/g, '?')
    .replace(/^\S+: (?:\(stdin\): )?/, '')
    .trim()
    .slice(0, 200);
