/** Deaths of processes at moments that a test plans: test/support/sudden-death.cjs is loaded into them. */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../platform/installation.ts';
import { until } from '../support/until.ts';

/** A call of a process on a file, the start of a program, or a statement to the database. */
export interface Moment {
  readonly call:
    | 'open'
    | 'mkdir'
    | 'unlink'
    | 'link'
    | 'rename'
    | 'read'
    /** By a thread that computes. */
    | 'readSync'
    | 'write'
    | 'datasync'
    | 'sync'
    | 'truncate'
    | 'chmod'
    | 'spawn'
    | 'query';
  /**
   * Regular expression for the path; for links and renames, for the new name; for a query, its text. The text of a commit is
   * `commit:` and the statements of its transaction.
   */
  readonly path: string;
  /** Regular expression for the arguments of a program, joined by spaces. */
  readonly args?: string;
  /** When to die; `half`, for writes: after half of the bytes; `end`: when the started program has ended. */
  readonly when: 'before' | 'half' | 'after' | 'end';
  /** Number of the matching call. Default 1. */
  readonly nth?: number;
  /** Minimum length of the file in bytes. */
  readonly size?: number;
  /** Only processes of this command, such as `control`. Default: all. */
  readonly process?: 'api' | 'control' | 'host';
  /** Signal to die by. Default SIGKILL. */
  readonly signal?: 'SIGKILL' | 'SIGSTOP';
}

export interface PlannedDeaths {
  /** Environment of the processes that may die. */
  readonly env: NodeJS.ProcessEnv;
  /** Plans a death from now on. */
  plan(moment: Moment): Promise<void>;
  /** The planned death that has not happened yet. */
  forget(): Promise<void>;
  hasCome(): boolean;
  /** Resolves at the planned moment. */
  came(): Promise<void>;
  /** File changes since a suspension: one line of call, inode and path each. */
  changes(): Promise<readonly string[]>;
}

const PRELOAD = join(PROJECT_ROOT, 'test', 'support', 'sudden-death.cjs');

/** @param planFile in a folder that exists when the first death is planned */
export function planDeaths(planFile: string): PlannedDeaths {
  return {
    env: { NODE_OPTIONS: `--require=${PRELOAD}`, SUDDEN_DEATH_PLAN: planFile },
    async plan(moment) {
      await rm(`${planFile}.done`, { force: true });
      // By its id a process tells it from an equal plan that it has carried out.
      const plan = { id: randomUUID(), nth: 1, signal: 'SIGKILL', ...moment };
      await writeFile(`${planFile}.new`, JSON.stringify(plan));
      await rename(`${planFile}.new`, planFile);
    },
    forget: () => rm(planFile, { force: true }),
    hasCome: () => existsSync(`${planFile}.done`),
    async came() {
      await until(`the moment planned in ${planFile} comes`, () => existsSync(`${planFile}.done`), 90_000);
    },
    changes: async () =>
      (await readFile(`${planFile}.changes`, 'utf8').catch(() => '')).split('\n').filter(Boolean),
  };
}
