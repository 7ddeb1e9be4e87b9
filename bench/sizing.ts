/**
 * `npm run sizing`: measures what docs/operations.md computes with, on an installation of its own with one host: bytes of the
 * database for each registration and deployment, history in Temporal for each run, requests and memory of an idle host.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { sql } from 'kysely';
import { openDatabase } from '../db/database.ts';
import type { Database } from '../db/database.ts';
import { clientOf, jobEnd, registerImage, zoneOf } from './calls.ts';
import { withImage } from './image.ts';
import { throughput } from './load.ts';
import { describeMachine, machine, table } from './report.ts';
import { startStack } from './stack.ts';
import type { Stack } from './stack.ts';
import { median } from './statistics.ts';
import { CannotBench } from './watch.ts';

const AT_ONCE = 8;

interface Measured {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
}

async function run(signal: AbortSignal): Promise<void> {
  const { values } = parseArgs({
    options: { count: { type: 'string', default: '300' }, idle: { type: 'string', default: '120' } },
  });
  const [count, idleSeconds] = [Number(values.count), Number(values.idle)];
  const folder = await mkdtemp(join(tmpdir(), 'bypass-sizing-'));
  try {
    const stack = await startStack(folder, { signal });
    try {
      const measured = await withImage(folder, signal, (url) =>
        measure(stack, { url, count, idleSeconds, signal }),
      );
      const rows = measured.map(({ what, value, unit }) => [what, value.toFixed(value < 10 ? 1 : 0), unit]);
      process.stdout.write(`${describeMachine(machine())}\n${table([['', '', ''], ...rows])}\n`);
    } finally {
      await stack.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Plan {
  readonly url: string;
  /** Templates that are registered and deployed. */
  readonly count: number;
  readonly idleSeconds: number;
  readonly signal: AbortSignal;
}

async function measure(
  stack: Stack,
  { url, count, idleSeconds, signal }: Plan,
): Promise<readonly Measured[]> {
  const { pids, temporalAddress, pools } = stack.ready;
  const client = clientOf(stack);
  const zoneid = await zoneOf(client);
  const db = openDatabase(await variableOf(pids.control, 'BYPASS_DATABASE_URL'));
  const connection = await Connection.connect({ address: temporalAddress });
  try {
    const idle = await measureIdle(pids.hosts[0] ?? 0, idleSeconds);
    const empty = await tableBytes(db);
    const templates: string[] = [];
    await throughput(
      { count, concurrency: AT_ONCE },
      async () => {
        const name = `sizing-${templates.length}`;
        templates.push((await registerImage(client, { name, url, zoneid })).id);
      },
      signal,
    );
    const registered = await tableBytes(db);
    const waiting = [...templates];
    await throughput(
      { count, concurrency: AT_ONCE },
      async () => {
        const where = { templateid: waiting.pop(), storageid: pools[0]?.id, zoneid };
        const { jobid } = await client.call<{ readonly jobid: string }>('prepareTemplate', where);
        await jobEnd(client, jobid, { pollMs: 200, signal });
      },
      signal,
    );
    const deployed = await tableBytes(db);
    return [
      ...idle,
      ...rowsOf('a registration', empty, registered, count),
      ...rowsOf('a deployment', registered, deployed, count),
      ...(await histories(new Client({ connection }))),
      ...(await memories(pids)),
    ];
  } finally {
    await connection.close();
    await db.destroy();
  }
}

/** Bytes of each table with its indexes. */
async function tableBytes(db: Database): Promise<ReadonlyMap<string, number>> {
  const { rows } = await sql<{ name: string; bytes: number }>`
    select relname as name, pg_total_relation_size(oid)::bigint as bytes from pg_class
    where relkind = 'r' and relnamespace = 'public'::regnamespace`.execute(db);
  return new Map(rows.map(({ name, bytes }) => [name, bytes]));
}

function rowsOf(
  what: string,
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
  count: number,
): readonly Measured[] {
  const grown = [...after].map(([name, bytes]) => ({
    name,
    value: (bytes - (before.get(name) ?? 0)) / count,
  }));
  const parts = grown.filter(({ value }) => value >= 1).toSorted((a, b) => b.value - a.value);
  const all = parts.reduce((sum, { value }) => sum + value, 0);
  const unit = 'bytes of the database';
  return [
    { what, value: all, unit },
    ...parts.map(({ name, value }) => ({ what: `  of it in ${name}`, value, unit })),
  ];
}

/** Events and bytes of the closed runs of each type: medians. */
async function histories({ workflow }: Client): Promise<readonly Measured[]> {
  const runs = new Map<string, { readonly events: number; readonly bytes: number }[]>();
  for await (const { type, workflowId, runId } of workflow.list({ query: `ExecutionStatus = 'Completed'` })) {
    const { historyLength, raw } = await workflow.getHandle(workflowId, runId).describe();
    const bytes = Number(raw.workflowExecutionInfo?.historySizeBytes ?? 0);
    runs.set(type, [...(runs.get(type) ?? []), { events: historyLength, bytes }]);
  }
  return [...runs].flatMap(([type, all]) => [
    { what: `history of a run of ${type}`, value: median(all.map(({ bytes }) => bytes)), unit: 'bytes' },
    { what: '  of', value: median(all.map(({ events }) => events)), unit: 'events' },
  ]);
}

async function measureIdle(pid: number, seconds: number): Promise<readonly Measured[]> {
  await sleep(10_000);
  const before = await requestsOf(pid);
  await sleep(seconds * 1000);
  const value = ((await requestsOf(pid)) - before) / (seconds / 60);
  return [{ what: 'an idle host worker', value, unit: 'requests to Temporal a minute' }];
}

/** Requests to Temporal so far, those that wait for work too. */
async function requestsOf(pid: number): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${await variableOf(pid, 'BYPASS_HEALTH_PORT')}/metrics`);
  const counts = (await answer.text()).matchAll(
    /^temporal_(?:long_)?request(?:_total)?(?:\{[^}]*\})? (\S+)$/gm,
  );
  return [...counts].reduce((sum, [, number]) => sum + Number(number), 0);
}

async function memories(pids: Stack['ready']['pids']): Promise<readonly Measured[]> {
  const processes = { api: pids.api, 'control worker': pids.control, 'host worker': pids.hosts[0] ?? 0 };
  return Promise.all(
    Object.entries(processes).map(async ([name, pid]) => {
      const [, kib] = /^VmHWM:\s*(\d+)/m.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? [];
      return { what: `most memory of the ${name}`, value: Number(kib) / 1024, unit: 'MiB' };
    }),
  );
}

async function variableOf(pid: number, name: string): Promise<string> {
  const environment = (await readFile(`/proc/${pid}/environ`, 'utf8')).split('\0');
  return environment.find((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1) ?? '';
}

const stopping = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => stopping.abort(new CannotBench('The measuring was stopped.')));
}
try {
  await run(stopping.signal);
} catch (error) {
  const { message, stack } = error as Error;
  process.stderr.write(`${error instanceof CannotBench ? message : stack}\n`);
  process.exitCode = 1;
}
