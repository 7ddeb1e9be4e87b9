/** Measures registrations per second through the real api, compared with an empty workflow of two activities on the same server. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Engine } from '../dev/engine.ts';
import { clientOf, registerImage, zoneOf } from './calls.ts';
import { withEmptyWorker } from './empty-engine.ts';
import { withImage } from './image.ts';
import { ratesOf, throughput } from './load.ts';
import type { Load, Rates, Throughput } from './load.ts';
import { startStack } from './stack.ts';
import type { Stack } from './stack.ts';
import { atLeast, orderOfRound } from './statistics.ts';
import type { Goal } from './statistics.ts';
import type { Watch } from './watch.ts';

export interface RegistrationsOptions extends Watch, Load {
  readonly engine: Engine;
  readonly rounds: number;
}

export interface RegistrationsReport extends Load {
  readonly registrations: Rates;
  readonly emptyWorkflows: Rates;
  /** Registrations per empty workflow. */
  readonly ratio: number;
  readonly goals: readonly Goal[];
}

type Job = () => Promise<void>;

/** Of the empty workflow. */
const STEPS = { activities: 2 };

export async function benchRegistrations(options: RegistrationsOptions): Promise<RegistrationsReport> {
  const folder = await mkdtemp(join(tmpdir(), 'bypass-bench-'));
  try {
    options.onStep('starting Bypass');
    const stack = await startStack(folder, options);
    try {
      return await withImage(folder, options.signal, async (url) => {
        const register = await registering(stack, url);
        return withEmptyWorker(stack, (run) => compare(register, () => run(STEPS), options));
      });
    } finally {
      await stack.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Registers the image under a new name each time, as a client would. */
async function registering(stack: Stack, url: string): Promise<Job> {
  const client = clientOf(stack);
  const zoneid = await zoneOf(client);
  return async () => {
    const image = await registerImage(client, { name: `bench-${randomUUID()}`, url, zoneid });
    if (image.isready !== true) throw new Error('It was not done when its call was answered.');
  };
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
