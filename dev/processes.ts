/** Processes of this machine, read from /proc. A process is identified by its pid and its start time. */
import { readFile, readdir, readlink } from 'node:fs/promises';
import { errnoOf } from '../platform/errno.ts';

/** The system reuses pids. A pid with a start time identifies one process, until the machine restarts. */
export interface ProcessId {
  readonly pid: number;
  /** Clock ticks from the start of the machine to the start of the process. */
  readonly startTicks: string;
}

/** Indexes of the fields of /proc/PID/stat after the program's name, which may itself contain spaces and brackets. */
const STATE = 0;
const PARENT = 1;
const START_TICKS = 19;

/** @returns undefined when there is no such process, or it is a zombie */
export async function identify(pid: number): Promise<ProcessId | undefined> {
  const startTicks = (await readStat(pid))?.[START_TICKS];
  return startTicks === undefined ? undefined : { pid, startTicks };
}

async function readStat(pid: number): Promise<readonly string[] | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields?.[STATE] === 'Z' || fields?.[STATE] === 'X' ? undefined : fields;
}

export async function isAlive({ pid, startTicks }: ProcessId): Promise<boolean> {
  return (await identify(pid))?.startTicks === startTicks;
}

/** @returns false when the process has ended; a later process with the same pid gets no signal */
export async function signalProcess(id: ProcessId, signal: NodeJS.Signals): Promise<boolean> {
  if (!(await isAlive(id))) return false;
  try {
    process.kill(id.pid, signal);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ESRCH') return false;
    throw error;
  }
}

/** @returns whether the process ended within the time */
export async function waitUntilGone(id: ProcessId, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (await isAlive(id)) {
    if (performance.now() >= deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return true;
}

/** Sends the signals in turn, and waits `graceMs` after each, until the process has ended. */
export async function endProcess(
  id: ProcessId,
  signals: readonly (readonly [signal: NodeJS.Signals, graceMs: number])[],
): Promise<void> {
  for (const [signal, graceMs] of signals) {
    await signalProcess(id, signal);
    if (await waitUntilGone(id, graceMs)) return;
  }
}

export interface SeenProcess {
  readonly id: ProcessId;
  readonly parent: number;
  /** Value of an environment variable that the process was started with. */
  variable(name: string): string | undefined;
  readonly workingFolder: string | undefined;
  /** Path of the executable file. */
  readonly program: string | undefined;
}

/** All processes; fields that this user may not read are undefined. */
export async function listProcesses(): Promise<readonly SeenProcess[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const seen = await Promise.all(pids.map(look));
  return seen.filter((one) => one !== undefined);
}

async function look(pid: number): Promise<SeenProcess | undefined> {
  const fields = await readStat(pid);
  const startTicks = fields?.[START_TICKS];
  if (startTicks === undefined) return undefined;
  const [environment, workingFolder, program] = await Promise.all([
    readFile(`/proc/${pid}/environ`, 'utf8').catch(() => ''),
    readlink(`/proc/${pid}/cwd`).catch(() => undefined),
    readlink(`/proc/${pid}/exe`).catch(() => undefined),
  ]);
  const variables = environment.split('\0');
  return {
    id: { pid, startTicks },
    parent: Number(fields?.[PARENT]),
    workingFolder,
    program,
    variable: (name) => variables.find((text) => text.startsWith(`${name}=`))?.slice(name.length + 1),
  };
}
