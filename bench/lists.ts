/** Measures the list commands with few and with many templates, and the api under a sustained load. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from '../cli/client.ts';
import type { ApiClient, Parameters } from '../cli/client.ts';
import { openDatabase } from '../db/database.ts';
import type { Database } from '../db/database.ts';
import { addTemplates } from './many-templates.ts';
import { startStack } from './stack.ts';
import type { Stack } from './stack.ts';
import { atLeast, atMost, median } from './statistics.ts';
import type { Goal } from './statistics.ts';
import type { Watch } from './watch.ts';

export interface ListsOptions extends Watch {
  readonly few: number;
  readonly many: number;
  /** Number of calls of each list; the median counts. */
  readonly calls: number;
  /** Seconds of sustained load. */
  readonly seconds: number;
}

export interface ListTimes {
  readonly name: string;
  /** Milliseconds. */
  readonly few: number;
  readonly many: number;
}

export interface ListsReport {
  readonly few: number;
  readonly many: number;
  readonly lists: readonly ListTimes[];
  readonly endurance: Endurance;
  readonly goals: readonly Goal[];
}

export interface Endurance {
  readonly clients: number;
  readonly seconds: number;
  readonly answered: number;
  readonly failures: readonly string[];
  /** Milliseconds. */
  readonly median: number;
  readonly slowest: number;
  /** Bytes of the api's process: medians of the second and of the last quarter. */
  readonly memory: { readonly before: number; readonly after: number };
}

const LISTS: readonly (readonly [command: string, parameters: Parameters])[] = [
  ['listTemplates', { templatefilter: 'all' }],
  ['listTemplates', { templatefilter: 'executable', page: 1, pagesize: 20 }],
  ['listTemplateDeployments', {}],
  ['listTemplateDeployments', { orderby: 'activity', page: 1, pagesize: 20 }],
  ['listEvents', {}],
  ['listHosts', {}],
];
const CLIENTS = 20;
const PER_SECOND = 50;
const PAGE = 50;
/** Maximum ratio of the times with many and with few templates. */
const MAX_RATIO = 3;
const MAX_GROWTH = 1.2;

export async function benchLists(options: ListsOptions): Promise<ListsReport> {
  const folder = await mkdtemp(join(tmpdir(), 'bypass-bench-'));
  try {
    options.onStep('starting Bypass');
    const stack = await startStack(folder, { signal: options.signal });
    const db = openDatabase(await databaseUrl(stack), { maxConnections: 1 });
    try {
      return await measure(stack, db, options);
    } finally {
      await db.destroy();
      await stack.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The database URL, read from the environment of the api's process. */
async function databaseUrl({ ready }: Stack): Promise<string> {
  const environment = (await readFile(`/proc/${ready.pids.api}/environ`, 'utf8')).split('\0');
  const found = environment.find((entry) => entry.startsWith('BYPASS_DATABASE_URL='));
  return found?.slice('BYPASS_DATABASE_URL='.length) ?? '';
}

async function measure(stack: Stack, db: Database, options: ListsOptions): Promise<ListsReport> {
  const { few, many, signal, onStep } = options;
  const { apiUrl: url, apiKey, secretKey } = stack.ready;
  const client = createClient({ url, apiKey, secretKey, origin: 'the bench' });
  onStep(`${few} templates`);
  await addTemplates(db, 1, few);
  const before = await timesOf(client, options);
  onStep(`${many} templates`);
  await addTemplates(db, few + 1, many);
  const after = await timesOf(client, options);
  const lists = LISTS.map((list, at): ListTimes => ({
    name: nameOf(list),
    few: before[at] ?? 0,
    many: after[at] ?? 0,
  }));
  onStep(`${PER_SECOND} calls a second for ${options.seconds} s`);
  const endurance = await endure(client, stack.ready.pids.api, options.seconds, signal);
  return { few, many, lists, endurance, goals: goalsOf(lists, endurance) };
}

const nameOf = ([command, parameters]: (typeof LISTS)[number]): string =>
  [command, ...Object.entries(parameters).map(([name, value]) => `${name}=${value}`)].join(' ');

/** Medians, in the order of `LISTS`. */
async function timesOf(client: ApiClient, { calls, signal }: ListsOptions): Promise<readonly number[]> {
  const medians: number[] = [];
  for (const [command, parameters] of LISTS) {
    const times: number[] = [];
    // The first calls meet cold caches.
    for (let call = -3; call < calls; call += 1) {
      signal.throwIfAborted();
      const begun = performance.now();
      await client.call(command, parameters, signal);
      if (call >= 0) times.push(performance.now() - begun);
    }
    medians.push(median(times));
  }
  return medians;
}

/** Each client calls at its own times, independent of the answers to others. */
async function endure(
  client: ApiClient,
  pid: number,
  seconds: number,
  signal: AbortSignal,
): Promise<Endurance> {
  const times: number[] = [];
  const failures: string[] = [];
  const sizes: number[] = [];
  const begun = performance.now();
  const isOver = (): boolean => performance.now() - begun > seconds * 1000;
  const everyMs = (1000 * CLIENTS) / PER_SECOND;
  const lane = async (number: number): Promise<void> => {
    for (let turn = 0; !signal.aborted; turn += 1) {
      await sleep(Math.max(0, begun + (turn + number / CLIENTS) * everyMs - performance.now()));
      if (isOver()) return;
      const start = performance.now();
      const parameters = { templatefilter: 'all', page: 1 + (turn % 10), pagesize: PAGE };
      await client.call('listTemplates', parameters, signal).then(
        () => times.push(performance.now() - start),
        (error: unknown) => failures.push((error as Error).message),
      );
    }
  };
  const watch = async (): Promise<void> => {
    while (!isOver() && !signal.aborted) {
      sizes.push(await residentBytes(pid));
      await sleep(200);
    }
  };
  await Promise.all([watch(), ...Array.from({ length: CLIENTS }, (_, number) => lane(number))]);
  signal.throwIfAborted();
  const quarter = Math.max(1, Math.floor(sizes.length / 4));
  return {
    clients: CLIENTS,
    seconds,
    answered: times.length,
    failures,
    median: median(times),
    slowest: Math.max(...times),
    memory: { before: median(sizes.slice(quarter, 2 * quarter)), after: median(sizes.slice(-quarter)) },
  };
}

async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}

const goalsOf = (
  lists: readonly ListTimes[],
  { answered, seconds, failures, memory }: Endurance,
): readonly Goal[] => [
  ...lists.map(({ name, few, many }) => atMost(`${name}, many by few`, many / few, MAX_RATIO, '×')),
  atLeast('calls answered a second', answered / seconds, PER_SECOND * 0.95, ''),
  atMost('calls failed', failures.length, 0, ''),
  atMost('of memory, last quarter by second', memory.after / memory.before, MAX_GROWTH, '×'),
];
