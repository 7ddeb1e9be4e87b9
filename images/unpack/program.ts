/**
 * Runs a decompression program as a filter: packed bytes in, unpacked bytes out. No shell, and no name or content of
 * a file in its arguments.
 */
import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import type { FileHandle } from 'node:fs/promises';
import type { Readable, Writable } from 'node:stream';
import { ImageError } from '../../model/failures.ts';
import { confined } from '../confinement.ts';
import { damaged, hostile } from './failures.ts';

export interface Filter {
  readonly program: string;
  readonly args: readonly string[];
  readonly signal: AbortSignal;
  /** Folders to look for the program in, as in PATH; default those of this process. */
  readonly path?: string | undefined;
  /**
   * Milliseconds without input or output, while the program has input to process, after which it is killed. Default
   * 120 000.
   */
  readonly stallMs?: number | undefined;
}

const STALL_MS = 120_000;
const STDERR_BYTES = 4096;
const TOO_MUCH_MEMORY = /memory usage limit|too much memory|window size larger|memory limit/i;
/** bzip2 reports this and still exits with 0. */
const GARBAGE = /trailing garbage|ignored/i;

/** Milliseconds between two looks at the length of a program's output file. */
const POLL_MS = 20;

type Child = ChildProcessByStdio<Writable, Readable | null, Readable>;

interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
  readonly error?: NodeJS.ErrnoException;
}

/** @throws ImageError ProgramMissing, or what is wrong with the packed bytes; the signal's reason when aborted */
export async function* throughProgram(packed: AsyncIterable<Buffer>, filter: Filter): AsyncGenerator<Buffer> {
  const running = run(packed, filter, 'pipe');
  try {
    for await (const chunk of running.child.stdout ?? []) {
      running.watch.moved();
      yield chunk as Buffer;
    }
    await running.judged();
  } finally {
    await running.end();
  }
}

/**
 * Lets the program write to the file itself, so that unpacked bytes do not pass through this process.
 * @param file empty
 * @param onGrown called with the length of the file, several times a second and at the end; what it throws ends the
 * program
 * @throws as `throughProgram`
 */
export async function programInto(
  packed: AsyncIterable<Buffer>,
  file: FileHandle,
  filter: Filter,
  onGrown: (length: number) => Promise<void>,
): Promise<void> {
  const running = run(packed, filter, file.fd);
  let length = 0;
  try {
    for (let over = false; !over;) {
      over = await running.exitWithin(POLL_MS);
      const { size } = await file.stat();
      if (size === length) continue;
      length = size;
      running.watch.moved();
      await onGrown(length);
    }
    await running.judged();
  } finally {
    await running.end();
  }
}

interface Running {
  readonly child: Child;
  readonly watch: Watch;
  /** @returns whether the program has exited */
  exitWithin(ms: number): Promise<boolean>;
  /** Waits for the program to exit. @throws when it failed */
  judged(): Promise<void>;
  /** Kills the program if it still runs, and waits for its exit. */
  end(): Promise<void>;
}

function run(packed: AsyncIterable<Buffer>, filter: Filter, output: 'pipe' | number): Running {
  filter.signal.throwIfAborted();
  const child = start(filter, output);
  const exited = exitOf(child);
  const stderr = collect(child.stderr);
  const stop = (): void => void child.kill('SIGKILL');
  filter.signal.addEventListener('abort', stop, { once: true });
  const watch = watchStall(filter.stallMs ?? STALL_MS, stop);
  const feeding = feed(packed, child, { exited, watch });
  feeding.catch(stop);
  return {
    child,
    watch,
    async exitWithin(ms) {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<boolean>((resolve) => (timer = setTimeout(resolve, ms, false)));
      const over = await Promise.race([exited.then(() => true), late]);
      clearTimeout(timer);
      return over;
    },
    async judged() {
      const exit = await exited;
      filter.signal.throwIfAborted();
      judge(filter.program, exit, { all: await feeding, stderr: stderr(), stalled: watch.stalled() });
    },
    async end() {
      watch.end();
      stop();
      filter.signal.removeEventListener('abort', stop);
      child.stdin.destroy();
      await exited;
    },
  };
}

function start({ program, args, path }: Filter, output: 'pipe' | number): Child {
  const child = spawn(program, args, { stdio: ['pipe', output, 'pipe'], ...confined(path) }) as Child;
  // When a program exits before its input ends, `judge` reports that by its exit.
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.on('error', () => undefined);
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

/**
 * @param packed each chunk is valid until the next but one is requested
 * @returns whether the program took all of it
 */
async function feed(
  packed: AsyncIterable<Buffer>,
  { stdin }: Child,
  { exited, watch }: Feed,
): Promise<boolean> {
  const chunks = packed[Symbol.asyncIterator]();
  const gone = exited.then(() => undefined);
  for (let ahead = chunks.next(); ;) {
    const next = await Promise.race([ahead, gone]);
    if (next === undefined) return false;
    if (next.done === true) break;
    // Read ahead while the program takes this chunk; a failure is thrown in the next round.
    ahead = chunks.next();
    ahead.catch(() => undefined);
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
  { all, stderr, stalled }: { readonly all: boolean; readonly stderr: string; readonly stalled: boolean },
): void {
  const absent = ['ENOENT', 'EACCES', 'ENOTDIR'];
  if (absent.includes(error?.code ?? '')) throw missing(program);
  if (error !== undefined)
    throw new ImageError('HostFault', `${program} cannot be started (${error.message})`, { cause: error });
  if (stalled) throw new ImageError('HostFault', `${program} stood still and was ended`);
  if (code === null)
    throw new ImageError('HostFault', `${program} was ended by ${signal ?? 'something'} on this host`);
  if (TOO_MUCH_MEMORY.test(stderr)) throw hostile('needs more memory to unpack than it is given');
  if (code !== 0) throw damaged(`is damaged (${program}: ${firstLine(stderr)})`);
  if (!all || GARBAGE.test(stderr)) throw damaged('has something behind its compressed data');
}

const missing = (program: string): ImageError =>
  new ImageError('ProgramMissing', `the program ${program}, which unpacks the file, is not installed`);

const firstLine = (stderr: string): string =>
  (stderr.split('\n').find((line) => line.trim() !== '') ?? 'no reason given')
    .replace(/[^\x20-\x7e]/g, '?')
    .replace(/^\S+: (?:\(stdin\): )?/, '')
    .trim()
    .slice(0, 200);
