/** What each step of a start works with. */
import type { DataFolder } from './data-folder.ts';
import type { Plan } from './plan.ts';
import type { Supervisor } from './supervisor.ts';

export interface StackDeps {
  /** Prints one line for the person at the terminal. */
  readonly print: (line: string) => void;
  /** Aborts the start. */
  readonly signal: AbortSignal;
  readonly env: NodeJS.ProcessEnv;
  /** Called after the supervisor has replaced a process: `ready()` returns another pid from then on. */
  readonly onRestart: () => void;
}

export interface Start {
  readonly plan: Plan;
  readonly folder: DataFolder;
  readonly supervisor: Supervisor;
  readonly deps: StackDeps;
}
