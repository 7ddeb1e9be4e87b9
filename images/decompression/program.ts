/** A program of the host as a filter: bytes in, bytes out. No shell, no names, nothing of the file among its arguments. */
import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import type { FileHandle } from 'node:fs/promises';
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

/** How often the length of a file that a program writes is looked at, in milliseconds. */
const LOOK_MS = 20;

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
 * The program writes into the file itself, which saves all unpacked bytes the way through this process.
 * @param file empty
 * @param onGrown told how long the file is, several times a second and at the end; what it throws ends the program
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
      over = await running.exitWithin(LOOK_MS);
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
  /** @returns whether it has come to its end */
  exitWithin(ms: number): Promise<boolean>;
  /** Waits for its end. @throws what was wrong */
  judged(): Promise<void>;
  /** Ends it, whatever it is at. */
  end(): Promise<void>;
}

function run(packed: AsyncIterable<Buffer>, filter: Filter, output: 'pipe' | number): Running {
  filter.signal.throwIfAborted();
  const child = start(filter, output);
  const exited = exitOf(child);
  const said = collect(child.stderr);
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
      judge(filter.program, exit, { all: await feeding, said: said(), stalled: watch.stalled() });
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
  // Nothing else of this process's environment: XZ_OPT and others would be options.
  const env = { PATH: path ?? process.env['PATH'] ?? '', LC_ALL: 'C' };
  const child = spawn(program, args, { stdio: ['pipe', output, 'pipe'], env, cwd: '/' }) as Child;
  // A program that ends before its input does is met by its exit.
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
