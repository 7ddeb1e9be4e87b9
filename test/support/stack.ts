/** A whole installation as `npm start` runs it, in a temporary folder, for tests from end to end. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { chmod, mkdir, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '../../cli/client.ts';
import type { ApiClient } from '../../cli/client.ts';
import { endLeftovers } from '../../dev/leftovers.ts';
import { PROJECT_ROOT } from '../../platform/installation.ts';
import type { Engine } from '../../dev/engine.ts';
import type { ReadyFile } from '../../dev/ready-file.ts';
import { isClusterRun } from './engine.ts';
import { ensureBuilt } from './ensure-built.ts';
import { until } from './until.ts';

export interface StackOptions {
  readonly hosts?: number;
  /** Default: one, or two in a run on the cluster. */
  readonly apis?: number;
  /** Default: one, or two in a run on the cluster. */
  readonly controls?: number;
  /** What the start runs; default: Temporal's development server, unless `env` names another. */
  readonly engine?: Engine;
  /** Additional environment, such as `BYPASS_LOG_LEVEL`. */
  readonly env?: NodeJS.ProcessEnv;
  /** An existing folder, which `remove` leaves to its owner. */
  readonly folder?: string;
  /** Command to start instead of node, such as npm. */
  readonly command?: readonly [string, ...string[]];
}

export interface Stack extends ReadyFile {
  /** Signed calls to the API. */
  readonly api: ApiClient;
  readonly dataDir: string;
  readonly readyFile: string;
  /** The started process: node or npm. */
  readonly process: ChildProcess;
  /** Output so far. */
  output(): string;
  /** Signals one process, like Ctrl-C. @returns its exit code */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
  /** Ends all processes of the stack, whatever their state. */
  endAll(): Promise<void>;
  /** Ends all processes, and removes the folder. */
  remove(): Promise<void>;
}

/** Creates a folder for a start that is independent of the rest of this machine. */
export async function stackFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'bypass-stack-'));
  // QEMU's user must be able to pass through it.
  await chmod(folder, 0o711);
  await mkdir(join(folder, 'config'));
  return folder;
}

/** @throws Error with the output when the stack does not start */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  await ensureBuilt();
  const folder = options.folder ?? (await stackFolder());
  const started = spawnStart(folder, options);
  const readyFile = readyFileOf(folder);
  const ready = await until(
    'the ready file',
    async () => {
      if (started.hasEnded()) throw new Error(`It did not come up:\n${started.output()}`);
      return readReady(readyFile, started.since);
    },
    180_000,
  ).catch(async (error: unknown) => {
    await started.endAll();
    throw error;
  });
  const { apiUrl: url, apiKey, secretKey } = ready;
  return {
    ...ready,
    api: createClient({ url, apiKey, secretKey, origin: 'the test' }),
    dataDir: dataDirOf(folder),
    readyFile,
    process: started.process,
    output: () => started.output(),
    stop: (signal = 'SIGTERM') => started.stop(signal),
    endAll: () => started.endAll(),
    async remove() {
      await started.endAll();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export const dataDirOf = (folder: string): string => join(folder, 'data');
const readyFileOf = (folder: string): string => join(folder, 'ready.json');

/** The remains of a start that the test has killed. */
const endWhatIsLeft = (dataDir: string): Promise<number> =>
  endLeftovers({ root: dataDir, postgresData: join(dataDir, 'postgres', 'data') });

export interface Started {
  readonly process: ChildProcess;
  readonly since: number;
  hasEnded(): boolean;
  output(): string;
  /** Resolves when the process has ended. */
  stop(signal: NodeJS.Signals): Promise<number | null>;
  readonly ended: Promise<number | null>;
  /** Ends all processes of the start, whatever their state. */
  endAll(): Promise<void>;
}

/** Starts a process group, so that a test can signal the group as a terminal does. */
export function spawnStart(
  folder: string,
  {
    hosts = 1,
    apis = isClusterRun() ? 2 : 1,
    controls = isClusterRun() ? 2 : 1,
    engine = 'development',
    env = {},
    command,
  }: StackOptions = {},
): Started {
  const [program, ...before] = command ?? [process.execPath, join(PROJECT_ROOT, 'bin', 'bypass.js'), 'dev'];
  const flags = ['--data-dir', dataDirOf(folder), '--port', '0', '--ready-file', readyFileOf(folder)];
  const counts = ['--hosts', String(hosts), '--apis', String(apis), '--controls', String(controls)];
  const since = Date.now();
  const child = spawn(program, [...before, ...flags, ...counts, '--engine', engine], {
    cwd: PROJECT_ROOT,
    env: { ...cleanEnvironment(), XDG_CONFIG_HOME: join(folder, 'config'), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const pieces: Buffer[] = [];
  child.stdout.on('data', (piece: Buffer) => pieces.push(piece));
  child.stderr.on('data', (piece: Buffer) => pieces.push(piece));
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  return {
    process: child,
    since,
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    output: () => Buffer.concat(pieces).toString('utf8'),
    ended,
    stop(signal) {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      return ended;
    },
    async endAll() {
      const group = -(child.pid as number);
      signalGroup(group, 'SIGTERM');
      await until('the group has ended', () => !signalGroup(group, 0), 60_000).catch(() => undefined);
      signalGroup(group, 'SIGKILL');
      await endWhatIsLeft(dataDirOf(folder));
    },
  };
}

/** @returns whether the group had a process */
function signalGroup(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(group, signal);
  } catch {
    return false;
  }
}

/** The environment without variables that refer to other servers or settings. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const foreign = /^(BYPASS_|TEMPORAL_(?!CLI_PATH)|JEST_|npm_)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)));
}

/** Reads the ready file, unless it belongs to an earlier start: the next start removes it, but not at once. */
async function readReady(path: string, since: number): Promise<ReadyFile | undefined> {
  const file = await open(path).catch(() => undefined);
  if (file === undefined) return undefined;
  try {
    const { mtimeMs } = await file.stat();
    return mtimeMs >= since ? (JSON.parse(await file.readFile('utf8')) as ReadyFile) : undefined;
  } finally {
    await file.close();
  }
}
