/**
 * Measures real deployments: images of 1 MiB onto four pools (three hosts with a pool each, and one that they share), beside an
 * empty workflow with as many activities as a deployment has in its history, on the same server.
 */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pLimit from 'p-limit';
import type { ApiClient } from '../cli/client.ts';
import type { Engine } from '../dev/engine.ts';
import { clientOf, jobEnd, registerImage, zoneOf } from './calls.ts';
import { withEmptyWorker } from './empty-engine.ts';
import type { EmptyRun } from './empty-engine.ts';
import { historySize } from './history-size.ts';
import type { HistorySize } from './history-size.ts';
import { withImage } from './image.ts';
import { ratesOf, throughput } from './load.ts';
import type { Rates, Throughput } from './load.ts';
import { startStack } from './stack.ts';
import type { Stack } from './stack.ts';
import { atLeast } from './statistics.ts';
import type { Goal } from './statistics.ts';
import type { Watch } from './watch.ts';

export interface DeploymentsOptions extends Watch {
  readonly engine: Engine;
  /** Deployments in each round. */
  readonly deployments: number;
  /** Templates that are brought onto all pools at a time. */
  readonly concurrency: number;
  readonly rounds: number;
}

export interface DeploymentsReport {
  readonly engine: Engine;
  readonly deployments: number;
  readonly concurrency: number;
  readonly hosts: number;
  readonly pools: number;
  readonly deployed: Rates;
  readonly emptyWorkflows: Rates;
  /** Medians of what one deployment has in its history. */
  readonly history: HistorySize;
  /** Deployments per empty workflow. */
  readonly ratio: number;
  readonly goals: readonly Goal[];
}

const HOSTS = 3;
const GOAL_PER_SECOND = 8;

export async function benchDeployments(options: DeploymentsOptions): Promise<DeploymentsReport> {
  const folder = await mkdtemp(join(tmpdir(), 'bypass-bench-'));
  try {
    options.onStep('starting Bypass');
    const stack = await startStack(folder, { ...options, hosts: HOSTS });
    try {
      return await withImage(folder, options.signal, (url) =>
        withEmptyWorker(stack, (runEmpty) => measure({ stack, url, runEmpty, options })),
      );
    } finally {
      await stack.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Bench {
  readonly stack: Stack;
  readonly url: string;
  readonly runEmpty: EmptyRun;
  readonly options: DeploymentsOptions;
}

async function measure({ stack, url, runEmpty, options }: Bench): Promise<DeploymentsReport> {
  const { engine, deployments, concurrency, rounds, onStep, signal } = options;
  const client = clientOf(stack);
  const pools = stack.ready.pools.map(({ id }) => id);
  const zoneid = await zoneOf(client);
  const deploy = (count: number) => deployRound(client, { url, zoneid, pools, count, concurrency, signal });
  const count = Math.ceil(deployments / pools.length);
  const load = { count: count * pools.length, concurrency: concurrency * pools.length };
  onStep('a first few deployments, which warm connections, caches and compiled code');
  const first = await deploy(Math.min(count, concurrency));
  const history = await historySize(stack, first.ids, pools);
  const empty = () => runEmpty(history);
  await throughput({ ...load, count: load.concurrency }, empty, signal);
  const measured = { deployed: [] as Throughput[], empty: [] as Throughput[] };
  for (let round = 0; round < rounds; round += 1) {
    onStep(`round ${round + 1} of ${rounds}: ${count} templates onto ${pools.length} pools`);
    const { rate } = await deploy(count);
    measured.deployed.push({ ...rate, perSecond: rate.perSecond * pools.length });
    onStep(
      `round ${round + 1} of ${rounds}: ${load.count} empty workflows of ${history.activities} activities and ${history.local} local ones`,
    );
    measured.empty.push(await throughput(load, empty, signal));
  }
  const [deployed, emptyWorkflows] = [ratesOf(measured.deployed), ratesOf(measured.empty)];
  return {
    engine,
    deployments: load.count,
    concurrency,
    hosts: HOSTS,
    pools: pools.length,
    deployed,
    emptyWorkflows,
    history,
    ratio: deployed.perSecond / emptyWorkflows.perSecond,
    goals: [atLeast('deployments a second', deployed.perSecond, GOAL_PER_SECOND, '')],
  };
}

interface Round {
  readonly url: string;
  readonly zoneid: string;
  readonly pools: readonly string[];
  /** Templates. */
  readonly count: number;
  readonly concurrency: number;
  readonly signal: AbortSignal;
}

/** Registers templates, then measures how many of them a second are brought onto all pools. */
async function deployRound(
  client: ApiClient,
  { url, zoneid, pools, count, concurrency, signal }: Round,
): Promise<{ readonly ids: readonly string[]; readonly rate: Throughput }> {
  const names = Array.from({ length: count }, () => `bench-${randomUUID()}`);
  const images = await pLimit(concurrency).map(names, (name) => registerImage(client, { name, url, zoneid }));
  const ids = images.map(({ id }) => id);
  const left = [...ids];
  const deployNext = async (): Promise<void> => {
    const templateid = left.pop() ?? '';
    const prepare = (storageid: string): Promise<{ readonly jobid: string }> =>
      client.call('prepareTemplate', { templateid, zoneid, storageid });
    const jobs = await Promise.all(pools.map(prepare));
    for (const { jobid } of jobs) await jobEnd(client, jobid, { signal });
  };
  return { ids, rate: await throughput({ count, concurrency }, deployNext, signal) };
}
