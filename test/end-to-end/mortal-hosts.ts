/**
 * Host workers that are killed or suspended at a moment that the test chooses. Each has its own zone and pool.
 */
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { until } from '../support/until.ts';
import type { EndToEnd, PoolPlace, RunningHost } from '../labs/end-to-end.ts';
import { planDeaths } from './planned-deaths.ts';
import type { Moment } from './planned-deaths.ts';

export interface MortalHost {
  readonly name: string;
  readonly zoneId: string;
  readonly pool: PoolPlace;
  pid(): number;
  /** Plans a death from now on. */
  plan(moment: Moment): Promise<void>;
  /** The planned death that has not happened yet. */
  forget(): Promise<void>;
  /** Whether the planned moment has come. */
  hasCome(): boolean;
  /** Resolves at the planned moment: the process is dead or suspended. */
  planned(): Promise<void>;
  kill(): Promise<void>;
  resume(): void;
  /** File changes since the suspension: one line of call, inode and path each. */
  changes(): Promise<readonly string[]>;
  /** Starts a new process of the host, unless one runs. */
  start(): Promise<void>;
}

export interface MortalOptions {
  readonly name: string;
  /** Zone. Default: a zone of its own. */
  readonly zoneId?: string;
  /** Pool as `TYPE:SCOPE`. Default `Filesystem:HOST`. */
  readonly kind?: string;
  /** Folder of the pool. Default: a folder of its own. */
  readonly path?: string;
  /** More settings of the host. */
  readonly env?: NodeJS.ProcessEnv;
}

export async function startMortalHost(lab: EndToEnd, options: MortalOptions): Promise<MortalHost> {
  const { name, kind = 'Filesystem:HOST' } = options;
  const folder = join(lab.stack.dataDir, 'mortal', name);
  const path = options.path ?? join(folder, 'pool');
  await mkdir(folder, { recursive: true });
  await mkdir(path, { recursive: true });
  const deaths = planDeaths(join(folder, 'plan.json'));
  const zoneId = options.zoneId ?? (await makeZone(lab, name));
  const zone = await zoneName(lab, zoneId);
  const shared = kind !== 'Filesystem:HOST';
  const host = {
    name,
    zone,
    state: join(folder, 'state'),
    pools: `${shared ? 'shared' : 'own'}=${kind}:${path}${shared ? ':create' : ''}`,
    env: { ...deaths.env, ...options.env },
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
      await deaths.plan(moment);
    },
    forget: () => deaths.forget(),
    hasCome: () => deaths.hasCome(),
    async planned() {
      await deaths.came();
      if (stops) await until(`${name} stands still`, () => standsStill(running?.pid ?? 0));
      else await gone();
    },
    async kill() {
      signal('SIGKILL');
      await gone();
    },
    resume: () => signal('SIGCONT'),
    changes: () => deaths.changes(),
    async start() {
      running ??= await lab.runHost(host);
    },
  };
}

/** A zone with one cluster. @returns its id */
export async function makeZone(lab: EndToEnd, name: string): Promise<string> {
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

export async function standsStill(pid: number): Promise<boolean> {
  const tasks = await readdir(`/proc/${pid}/task`);
  const states = await Promise.all(tasks.map((task) => readFile(`/proc/${pid}/task/${task}/stat`, 'utf8')));
  return states.every((stat) => /^\S* \(.*\) T/.test(stat));
}
