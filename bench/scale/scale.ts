/**
 * Measures a fleet: real host workers by the hundred, whose downloads are replaced by a sleep, and deployments onto all of their
 * pools by roll-outs, beside an empty workflow with as many activities on the same engine, by turns. Watches the memory of
 * each process meanwhile, and reads the sizes of all histories at the end.
 */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pLimit from 'p-limit';
import type { ApiClient } from '../../cli/client.ts';
import type { Engine } from '../../dev/engine.ts';
import { clientOf, endedJob, registerImage, zoneOf } from '../calls.ts';
import { withEmptyWorker } from '../empty-engine.ts';
import type { EmptyRun } from '../empty-engine.ts';
import { historySize } from '../history-size.ts';
import { withImage } from '../image.ts';
import { throughput } from '../load.ts';
import type { Throughput } from '../load.ts';
import { startStack } from '../stack.ts';
import type { Stack } from '../stack.ts';
import type { Watch } from '../watch.ts';
import { historiesOf } from './histories.ts';
import { withSimulatedHosts } from './hosts.ts';
import { sampleMemory } from './memory.ts';
import type { MemorySample } from './memory.ts';
import { summarize, TEMPLATES_OF_ROUND, templatesOfRounds } from './results.ts';
import type { ScaleReport, ScaleRound } from './results.ts';

export interface ScaleOptions extends Watch {
  readonly engine: Engine;
  readonly hosts: number;
  /** In all; a multiple of the hosts is made of it. */
  readonly deployments: number;
}

const CLUSTER = 'simulated';
/**
 * Deployments under way, at most. With far more of them than two processors can serve, single writes of Temporal take over a
 * second; then its matching service gives up tasks that it has just handed out, and they are missed only half a minute later.
 */
const AT_ONCE = 60;
/** About as long as a download of 1 MiB takes. */
const DOWNLOAD_MS = 500;
const EMPTY_OF_ROUND = 600;
const SAMPLE_MS = 5000;

export async function benchScale(options: ScaleOptions): Promise<ScaleReport> {
  const { engine, signal, onStep, hosts } = options;
  const folder = await mkdtemp(join(tmpdir(), 'bypass-bench-'));
  try {
    onStep('starting Bypass');
    const stack = await startStack(folder, { engine, signal });
    try {
      const client = clientOf(stack);
      const zone = await prepareZone(client);
      onStep(`${hosts} simulated hosts join`);
      const joining = {
        client,
        count: hosts,
        temporalAddress: stack.ready.temporalAddress,
        zone: zone.id,
        cluster: CLUSTER,
        folder: join(folder, 'hosts'),
        downloadMs: DOWNLOAD_MS,
        signal,
      };
      return await withSimulatedHosts(joining, ({ processes }) =>
        withImage(folder, signal, (url) =>
          withEmptyWorker(stack, (runEmpty) =>
            measure({ stack, client, zone, url, runEmpty, processes, options }),
          ),
        ),
      );
    } finally {
      await stack.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Zone {
  readonly id: string;
  /** Id of the cluster of the simulated hosts. */
  readonly clusterId: string;
}

/** All images come from one origin here, so the limit of that is lifted. */
async function prepareZone(client: ApiClient): Promise<Zone> {
  const zoneid = await zoneOf(client);
  await client.call('updateConfiguration', {
    name: 'template.rollout.max.per.origin',
    value: '0',
    zoneid,
  });
  const { cluster } = await client.call<{ readonly cluster: readonly [{ readonly id: string }] }>(
    'addCluster',
    {
      zoneid,
      clustername: CLUSTER,
    },
  );
  return { id: zoneid, clusterId: cluster[0].id };
}

interface Bench {
  readonly stack: Stack;
  readonly client: ApiClient;
  readonly zone: Zone;
  readonly url: string;
  readonly runEmpty: EmptyRun;
  readonly processes: ReadonlyMap<string, number>;
  readonly options: ScaleOptions;
}

async function measure(bench: Bench): Promise<ScaleReport> {
  const { stack, client, zone, runEmpty, options } = bench;
  const { engine, hosts, deployments, onStep, signal } = options;
  onStep(`a first roll-out to all ${hosts} pools, which warms connections, caches and compiled code`);
  const first = await rollOut(bench, 1);
  const pools = await client.list<{ readonly id: string }>('listStoragePools', 'storagepool', {
    clusterid: zone.clusterId,
  });
  const steps = await historySize(
    stack,
    first.templates,
    pools.map(({ id }) => id),
  );
  const emptyCount = Math.min(EMPTY_OF_ROUND, TEMPLATES_OF_ROUND * hosts);
  const empty = (): Promise<Throughput> =>
    throughput({ count: emptyCount, concurrency: AT_ONCE }, () => runEmpty(steps), signal);
  await empty();
  const memory = await watchMemory(bench);
  const rounds: ScaleRound[] = [];
  let failed = 0;
  try {
    for (const templates of templatesOfRounds(deployments, hosts)) {
      onStep(`round ${rounds.length + 1}: ${templates} templates onto ${hosts} pools`);
      const deployed = await rollOut(bench, templates);
      failed += deployed.failed;
      onStep(
        `  ${(deployed.deployments / deployed.seconds).toFixed(1)} a second; now ${emptyCount} empty workflows`,
      );
      const { perSecond: emptyPerSecond } = await empty();
      onStep(`  ${emptyPerSecond.toFixed(1)} a second`);
      rounds.push({ ...deployed, emptyPerSecond });
    }
  } finally {
    memory.stop();
  }
  return summarize({ engine, hosts, failed, rounds, steps }, memory.samples, await historiesOf(stack));
}

interface RolledOut {
  readonly templates: readonly string[];
  readonly deployments: number;
  readonly failed: number;
  /** From the first call to the end of the last deployment. */
  readonly seconds: number;
}

/** Registers templates, and brings each onto the pools of all simulated hosts. */
async function rollOut({ client, zone, url, options }: Bench, count: number): Promise<RolledOut> {
  const { hosts, signal } = options;
  const names = Array.from({ length: count }, () => `bench-${randomUUID()}`);
  const images = await pLimit(count).map(names, (name) =>
    registerImage(client, { name, url, zoneid: zone.id }),
  );
  const templates = images.map(({ id }) => id);
  const begun = performance.now();
  const where = { zoneid: zone.id, clusterid: zone.clusterId, atonce: String(Math.ceil(AT_ONCE / count)) };
  const jobs = await Promise.all(
    templates.map((templateid) =>
      client.call<{ readonly jobid: string }>('prepareTemplate', { templateid, ...where }),
    ),
  );
  const ready = await Promise.all(jobs.map(({ jobid }) => readyOf(client, jobid, signal)));
  const seconds = (performance.now() - begun) / 1000;
  const deployments = count * hosts;
  return { templates, deployments, failed: deployments - ready.reduce((sum, one) => sum + one, 0), seconds };
}

/** @returns how many copies of the roll-out are there at its end */
async function readyOf(client: ApiClient, jobid: string, signal: AbortSignal): Promise<number> {
  await endedJob(client, jobid, { signal });
  const [rollout] = await client.list<{ readonly ready: number }>('listTemplateRollouts', 'templaterollout', {
    id: jobid,
  });
  return rollout?.ready ?? 0;
}

interface MemoryWatch {
  readonly samples: readonly MemorySample[];
  stop(): void;
}

/** Samples the memory of each process until it is stopped. */
async function watchMemory({ stack, processes, options }: Bench): Promise<MemoryWatch> {
  const { apis, controls, temporals, postgres, balancer } = stack.ready.pids;
  const all = new Map([
    ...numbered('api', apis),
    ...numbered('control worker', controls),
    ...numbered('Temporal', temporals),
    ...numbered('balancer', balancer === 0 ? [] : [balancer]),
    ...processes,
  ]);
  const read = (): Promise<MemorySample> => sampleMemory(all, { name: 'PostgreSQL', pid: postgres });
  const samples = [await read()];
  const sample = (): void =>
    void read().then(
      (one) => samples.push(one),
      (error: unknown) => options.onStep(`memory could not be read: ${(error as Error).message}`),
    );
  const timer = setInterval(sample, SAMPLE_MS);
  return { samples, stop: () => clearInterval(timer) };
}

const numbered = (name: string, pids: readonly number[]): readonly (readonly [string, number])[] =>
  pids.map((pid, at) => [`${name} ${at + 1}`, pid]);
