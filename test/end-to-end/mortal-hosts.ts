/**
 * Host workers that are killed or suspended at a moment that the test chooses. Each has its own zone and pool.
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../platform/installation.ts';
import { until } from '../support/until.ts';
import type { EndToEnd, PoolPlace, RunningHost } from '../labs/end-to-end.ts';

/** A call of the host worker on a file of a pool, or the start of a program. */
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
    | 'spawn';
  /** Regular expression for the path; for links and renames, for the new name. */
  readonly path: string;
  /** When to die; `half`, for writes: after half of the bytes. */
  readonly when: 'before' | 'half' | 'after';
  /** Number of the matching call. Default 1. */
  readonly nth?: number;
  /** Minimum length of the file in bytes. */
  readonly size?: number;
  /** Signal to die by. Default SIGKILL. */
  readonly signal?: 'SIGKILL' | 'SIGSTOP';
}

export interface MortalHost {
  readonly name: string;
  readonly zoneId: string;
  readonly pool: PoolPlace;
  pid(): number;
  /** Plans a death from now on. */
  plan(moment: Moment): Promise<void>;
  /** The planned death that has not happened yet. */
  forget(): Promise<void>;
  /** Resolves at the planned moment: the process is dead or suspended. */
  planned(): Promise<void>;
  kill(): Promise<void>;
  resume(): void;
  /** File changes since the suspension: one line of call, inode and path each. */
  changes(): Promise<readonly string[]>;
  /** Starts a new process of the host, unless one runs. */
  start(): Promise<void>;
  /** Ends the host for good. */
  end(): Promise<void>;
}

export interface MortalOptions {
  readonly name: string;
  /** Zone. Default: a zone of its own. */
  readonly zoneId?: string;
  /** Pool as `TYPE:SCOPE`. Default `Filesystem:HOST`. */
  readonly kind?: string;
  /** Folder of the pool. Default: a folder of its own. */
  readonly path?: string;
}

const PRELOAD = join(PROJECT_ROOT, 'test', 'support', 'sudden-death.cjs');

export async function startMortalHost(lab: EndToEnd, options: MortalOptions): Promise<MortalHost> {
  const { name, kind = 'Filesystem:HOST' } = options;
  const folder = join(lab.stack.dataDir, 'mortal', name);
  const path = options.path ?? join(folder, 'pool');
  await mkdir(path, { recursive: true });
  const planFile = join(folder, 'plan.json');
  const zoneId = options.zoneId ?? (await makeZone(lab, name));
  const zone = await zoneName(lab, zoneId);
  const shared = kind !== 'Filesystem:HOST';
  const host = {
    name,
    zone,
    state: join(folder, 'state'),
    pools: `${shared ? 'shared' : 'own'}=${kind}:${path}${shared ? ':create' : ''}`,
    env: { NODE_OPTIONS: `--require=${PRELOAD}`, SUDDEN_DEATH_PLAN: planFile },
  };
  let running: RunningHost | undefined = await lab.runHost({ ...host, invite: await lab.invite() });
  const signal = (what: NodeJS.Signals): void => void (running && process.kill(running.pid, what));
  const gone = async (): Promise<void> => {
    await running?.ended;
    running = undefined;
  };
  const up = async () => (await lab.hosts()).find((one) => one.name === name)?.state === 'Up';
  await until(`host ${name} is up`, up);
  const pool = await until(`the pool of ${name} is listed`, async () =>
    (await lab.listPools()).find((one) => one.path === path),
  );
  let stops = false;
  return {
    name,
    zoneId,
    pool: { ...pool, path },
    pid: () => running?.pid ?? 0,
    async plan(moment) {
      stops = moment.signal === 'SIGSTOP';
      await rm(`${planFile}.done`, { force: true });
      await writeFile(`${planFile}.new`, JSON.stringify({ nth: 1, signal: 'SIGKILL', ...moment }));
      await rename(`${planFile}.new`, planFile);
    },
    forget: () => rm(planFile, { force: true }),
    async planned() {
      await until(`the moment planned for ${name} comes`, () => existsSync(`${planFile}.done`), 90_000);
      if (stops) await until(`${name} stands still`, () => standsStill(running?.pid ?? 0));
      else await gone();
    },
    async kill() {
      signal('SIGKILL');
      await gone();
    },
    resume: () => signal('SIGCONT'),
    changes: async () =>
      (await readFile(`${planFile}.changes`, 'utf8').catch(() => '')).split('\n').filter(Boolean),
    async start() {
      running ??= await lab.runHost(host);
    },
    async end() {
      signal('SIGKILL');
      await gone();
    },
  };
}

async function makeZone(lab: EndToEnd, name: string): Promise<string> {
  const { zone } = await lab.call<{ readonly zone: { readonly id: string } }>('createZone', { name });
  await lab.call('addCluster', { clustername: 'cluster1', zoneid: zone.id });
  return zone.id;
}

async function zoneName(lab: EndToEnd, id: string): Promise<string> {
  const { zone } = await lab.call<{ readonly zone: readonly { readonly name: string }[] }>('listZones', {
    id,
  });
  return zone[0]?.name ?? '';
}

async function standsStill(pid: number): Promise<boolean> {
  const tasks = await readdir(`/proc/${pid}/task`);
  const states = await Promise.all(tasks.map((task) => readFile(`/proc/${pid}/task/${task}/stat`, 'utf8')));
  return states.every((stat) => /^\S* \(.*\) T/.test(stat));
}
