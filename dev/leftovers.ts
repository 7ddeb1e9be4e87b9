/**
 * Finds and ends processes that an earlier start left behind when its own process was killed. Each child process carries
 * the data folder that it works for in its environment, from its first moment on; that is how it is found. It is
 * identified by pid and start time, so that no other process that got its pid is ended.
 */
import { endProcess, listProcesses } from './processes.ts';
import type { ProcessId, SeenProcess } from './processes.ts';

/** Environment variable with the data folder; the children of a process inherit it. */
export const FOLDER_MARK = 'BYPASS_DEV_FOLDER';
/** Environment variable with the stage at which the process is ended: lower stages first. */
const STAGE_MARK = 'BYPASS_DEV_STAGE';

/** The order in which processes end: a process ends before the processes that it needs. */
export const stages = { host: 1, control: 2, api: 3, balancer: 4, temporal: 5, postgres: 6 } as const;
export type Stage = (typeof stages)[keyof typeof stages];

export const marks = (folder: string, stage: Stage): NodeJS.ProcessEnv => ({
  [FOLDER_MARK]: folder,
  [STAGE_MARK]: String(stage),
});

interface Folders {
  readonly root: string;
  readonly postgresData: string;
}

const GRACE_MS = 10_000;
const KILL_MS = 10_000;

/**
 * Ends the leftovers of the lowest stage first, until none is left. Children of a leftover end with it, or are found in
 * the next round.
 * @returns the number of processes ended
 */
export async function endLeftovers(folders: Folders): Promise<number> {
  let count = 0;
  // One listing may miss a process that another process is just starting.
  for (;;) {
    const found = (await listProcesses()).flatMap((process) => asLeftover(process, folders));
    const [first] = found.toSorted((a, b) => a.stage - b.stage);
    if (first === undefined) return count;
    const pids = new Set(found.map(({ id }) => id.pid));
    const together = found.filter(({ stage, parent }) => stage === first.stage && !pids.has(parent));
    await Promise.all(together.map(end));
    count += together.length;
  }
}

interface Leftover {
  readonly id: ProcessId;
  readonly parent: number;
  readonly stage: Stage;
}

function asLeftover(seen: SeenProcess, { root, postgresData }: Folders): readonly Leftover[] {
  if (seen.id.pid === process.pid) return [];
  // PostgreSQL's processes write their title over their environment, but never leave the data directory. The check of the
  // program keeps a person's shell in that directory alive.
  if (seen.workingFolder === postgresData && /\/bin\/postgres\b/.test(seen.program ?? ''))
    return [{ ...seen, stage: stages.postgres }];
  if (seen.variable(FOLDER_MARK) !== root) return [];
  return [{ ...seen, stage: (Number(seen.variable(STAGE_MARK)) || stages.host) as Stage }];
}

/** At SIGTERM PostgreSQL waits until its clients disconnect, at SIGINT it does not. */
const end = ({ id, stage }: Leftover): Promise<void> =>
  endProcess(id, [
    [stage === stages.postgres ? 'SIGINT' : 'SIGTERM', GRACE_MS],
    ['SIGKILL', KILL_MS],
  ]);
