/** Measures registrations per second through the real api, compared with an empty workflow of two activities on the same server. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { createClient } from '../cli/client.ts';
import { EMPTY_QUEUE, EMPTY_WORKFLOW } from './empty-worker.ts';
import { withImage } from './image.ts';
import { throughput } from './load.ts';
import type { Load, Throughput } from './load.ts';
import { stop } from './processes.ts';
import { startStack } from './stack.ts';
import type { Stack } from './stack.ts';
import { atLeast, median, orderOfRound } from './statistics.ts';
import type { Goal } from './statistics.ts';
import type { Watch } from './watch.ts';

export interface RegistrationsOptions extends Watch, Load {
  readonly rounds: number;
}

export interface Rates {
  /** Per second, of each round. */
  readonly rounds: readonly number[];
  /** Median of the rounds. */
  readonly perSecond: number;
  /** Time of one registration among concurrent ones: median over the rounds of each round's median. */
  readonly milliseconds: number;
  /** Messages of failed runs, which do not count. */
  readonly failures: readonly string[];
}

export interface RegistrationsReport extends Load {
  readonly registrations: Rates;
  readonly emptyWorkflows: Rates;
  /** Registrations per empty workflow. */
  readonly ratio: number;
  readonly goals: readonly Goal[];
}

type Job = () => Promise<void>;

const NAMESPACE = 'default';

export async function benchRegistrations(options: RegistrationsOptions): Promise<RegistrationsReport> {
  const folder = await mkdtemp(join(tmpdir(), 'bypass-bench-'));
  try {
    options.onStep('starting Bypass');
    const stack = await startStack(folder, options.signal);
    try {
      return await withImage(folder, options.signal, async (url) => {
        const register = await registering(stack, url);
        return withEmptyWorker(stack, (empty) => compare(register, empty, options));
      });
    } finally {
      await stack.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface RegisterAnswer {
  readonly template?: readonly { readonly isready?: boolean }[];
}

/** Registers the image under a new name each time, as a client would. */
async function registering({ ready }: Stack, url: string): Promise<Job> {
  const { apiUrl, apiKey, secretKey } = ready;
  const client = createClient({ url: apiUrl, apiKey, secretKey, origin: 'the bench' });
  const [zone] = await client.list<{ readonly id: string }>('listZones', 'zone');
  return async () => {
    const name = `bench-${randomUUID()}`;
    const parameters = { name, displaytext: name, url, format: 'RAW', zoneid: zone?.id };
    const fixed = { hypervisor: 'KVM', directdownload: true };
    const answer = await client.call<RegisterAnswer>('registerTemplate', { ...parameters, ...fixed });
    if (answer.template?.[0]?.isready !== true) {
      throw new Error('It was not done when its call was answered.');
    }
  };
}

async function withEmptyWorker<T>({ ready }: Stack, use: (job: Job) => Promise<T>): Promise<T> {
  const { temporalAddress: address } = ready;
  const program = fileURLToPath(new URL('./empty-worker.js', import.meta.url));
  const worker = spawn(process.execPath, [program, address, NAMESPACE], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    await Promise.race([once(worker.stdout, 'data'), endedEarly(worker)]);
    const connection = await Connection.connect({ address });
    try {
      const { workflow } = new Client({ connection, namespace: NAMESPACE });
      return await use(async () => {
        await workflow.execute(EMPTY_WORKFLOW, {
          taskQueue: EMPTY_QUEUE,
          workflowId: `bench:${randomUUID()}`,
        });
      });
    } finally {
      await connection.close();
    }
  } finally {
    await stop(worker);
  }
}

async function endedEarly(worker: ReturnType<typeof spawn>): Promise<never> {
  await once(worker, 'exit');
  throw new Error('The worker of the empty workflow ended before it ran.');
}

async function compare(
  register: Job,
  empty: Job,
  options: RegistrationsOptions,
): Promise<RegistrationsReport> {
  const { rounds, count, concurrency, onStep, signal } = options;
  const sides = [
    { name: 'registrations', job: register, measured: [] as Throughput[] },
    { name: 'empty workflows', job: empty, measured: [] as Throughput[] },
  ] as const;
  // Warms connections, caches and compiled code before the measurement.
  for (const { job } of sides) await throughput({ count: 2 * concurrency, concurrency }, job, signal);
  for (let round = 0; round < rounds; round += 1) {
    for (const { name, job, measured } of orderOfRound(sides, round)) {
      onStep(`round ${round + 1} of ${rounds}: ${count} ${name}, ${concurrency} at a time`);
      measured.push(await throughput({ count, concurrency }, job, signal));
    }
  }
  const [registrations, emptyWorkflows] = [ratesOf(sides[0].measured), ratesOf(sides[1].measured)];
  const ratio = registrations.perSecond / emptyWorkflows.perSecond;
  const goals = [atLeast('registrations per empty workflow', ratio, 0.5, '')];
  return { count, concurrency, registrations, emptyWorkflows, ratio, goals };
}

const ratesOf = (measured: readonly Throughput[]): Rates => ({
  rounds: measured.map(({ perSecond }) => perSecond),
  perSecond: median(measured.map(({ perSecond }) => perSecond)),
  milliseconds: median(measured.map(({ milliseconds }) => milliseconds)),
  failures: measured.flatMap(({ failures }) => failures),
});
