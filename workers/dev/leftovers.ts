/**
 * Processes that an earlier start left behind (its own process was killed). They are told by the folder that they work
 * for, which each carries in its environment from its first moment on, and held by pid and start time.
 */
import { endProcess, listProcesses } from './processes.ts';
import type { ProcessId, SeenProcess } from './processes.ts';

/** In the environment of each process that a start runs, and of what those run in turn. */
export const FOLDER_MARK = 'BYPASS_DEV_FOLDER';
/** When it is ended: lower ones first. */
export const STAGE_MARK = 'BYPASS_DEV_STAGE';

/** In which order processes end: whoever needs another one goes before it. */
export const stages = { host: 1, control: 2, api: 3, temporal: 4, postgres: 5 } as const;
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
 * Ends those first that need others; of each, what it started itself ends with it, or at the next look.
 * @returns how many there were
 */
export async function endLeftovers(folders: Folders): Promise<number> {
  let count = 0;
  // A process that is just being started by another may be missed by one look.
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
  // PostgreSQL's processes write their title over their environment, but never leave its data folder. A shell may
  // stand there too.
  if (seen.workingFolder === postgresData && /\/bin\/postgres\b/.test(seen.program ?? ''))
    return [{ ...seen, stage: stages.postgres }];
  if (seen.variable(FOLDER_MARK) !== root) return [];
  return [{ ...seen, stage: (Number(seen.variable(STAGE_MARK)) || stages.host) as Stage }];
}

/** PostgreSQL waits for its clients at SIGTERM, but not at SIGINT; the others take both alike. */
const end = ({ id, stage }: Leftover): Promise<void> =>
  endProcess(id, [
    [stage === stages.postgres ? 'SIGINT' : 'SIGTERM', GRACE_MS],
    ['SIGKILL', KILL_MS],
  ]);
