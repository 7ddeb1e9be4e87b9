/** Many simultaneous deletions of templates with copies on many pools, with few activity slots: all of them must end. */
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiClient } from '../cli/client.ts';
import type { Engine } from '../dev/engine.ts';
import { LOOPBACK } from '../model/url-policy.ts';
import { PROGRAM } from '../platform/installation.ts';
import { clientOf, jobEnd, registerImage, zoneOf } from './calls.ts';
import { withImage } from './image.ts';
import { stop } from './processes.ts';
import { ownEnvironment, startStack } from './stack.ts';
import type { Stack } from './stack.ts';
import { atLeast } from './statistics.ts';
import type { Goal } from './statistics.ts';
import type { Watch } from './watch.ts';

export interface DeletionsOptions extends Watch {
  readonly engine: Engine;
  /** Number of templates to delete at once. */
  readonly deletions: number;
  /** Number of pools with a copy of each template. */
  readonly copies: number;
}

export interface DeletionsReport {
  readonly deletions: number;
  readonly copies: number;
  /** Maximum concurrent activities of the control worker. */
  readonly slots: number;
  readonly ended: number;
  /** Seconds from the first call to the end of the last deletion that ended. */
  readonly seconds: number;
  readonly goals: readonly Goal[];
}

const SLOTS = 20;
/** Deletions that take longer count as stuck. */
const MAX_SECONDS = 300;
const POLL_MS = 200;

export async function benchDeletions(options: DeletionsOptions): Promise<DeletionsReport> {
  const folder = await mkdtemp(join(tmpdir(), 'bypass-bench-'));
  const env = { BYPASS_ACTIVITY_SLOTS: String(SLOTS) };
  try {
    options.onStep('starting Bypass');
    const stack = await startStack(folder, { ...options, settings: env });
    try {
      const client = clientOf(stack);
      return await withHost(folder, stack, client, options, () =>
        withImage(folder, options.signal, (image) => measure(client, image, options)),
      );
    } finally {
      await stack.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Starts a host with the further pools; the stack's own host has one. */
async function withHost<T>(
  folder: string,
  { ready }: Stack,
  client: ApiClient,
  { copies, signal }: DeletionsOptions,
  use: () => Promise<T>,
): Promise<T> {
  const names = Array.from({ length: copies - 1 }, (_, n) => `bench${n + 1}`);
  for (const name of names) await mkdir(join(folder, 'pools', name), { recursive: true });
  const { hostinvite } = await client.call<{ readonly hostinvite: { readonly token: string } }>(
    'createHostInvite',
    {},
  );
  const [cluster] = await client.list<{ readonly name: string; readonly zonename: string }>(
    'listClusters',
    'cluster',
  );
  const host = spawn(process.execPath, [PROGRAM, 'host', 'run'], {
    stdio: 'ignore',
    env: {
      ...ownEnvironment(folder),
      BYPASS_TEMPORAL_ADDRESS: ready.temporalAddress,
      BYPASS_STATE_DIR: join(folder, 'host'),
      BYPASS_HOST_NAME: 'bench',
      BYPASS_ZONE: cluster?.zonename ?? '',
      BYPASS_CLUSTER: cluster?.name ?? '',
      BYPASS_POOLS: names.map((name) => `${name}=Filesystem:HOST:${join(folder, 'pools', name)}`).join(','),
      BYPASS_INVITE: hostinvite.token,
      BYPASS_URL_ALLOW: LOOPBACK.join(','),
      BYPASS_DOWNLOADS: '8',
    },
  });
  try {
    while ((await client.list('listStoragePools', 'storagepool')).length < copies) {
      signal.throwIfAborted();
      await sleep(POLL_MS);
    }
    return await use();
  } finally {
    await stop(host);
  }
}

async function measure(
  client: ApiClient,
  url: string,
  { deletions, copies, onStep, signal }: DeletionsOptions,
): Promise<DeletionsReport> {
  const zoneid = await zoneOf(client);
  onStep(`${deletions} templates, each deployed to ${copies} pools`);
  const ids: string[] = [];
  for (let n = 0; n < deletions; n += 1) {
    ids.push((await registerImage(client, { name: `bench-${n}`, url, zoneid })).id);
  }
  for (const id of ids) await deploy(client, id, zoneid, signal);
  onStep(`${deletions} deletions at once, ${SLOTS} activities at a time`);
  const begun = performance.now();
  const jobs = await Promise.all(
    ids.map((id) => client.call<{ readonly jobid: string }>('deleteTemplate', { id })),
  );
  const ends = await Promise.all(
    jobs.map(({ jobid }) => jobEnd(client, jobid, { pollMs: POLL_MS, signal, seconds: MAX_SECONDS })),
  );
  const done = ends.flatMap((end) => (end === undefined ? [] : [(end - begun) / 1000]));
  const goals = [atLeast('deletions that ended', done.length, deletions, '')];
  return { deletions, copies, slots: SLOTS, ended: done.length, seconds: Math.max(0, ...done), goals };
}

async function deploy(client: ApiClient, id: string, zoneid: string, signal: AbortSignal): Promise<void> {
  const { jobid } = await client.call<{ readonly jobid: string }>('prepareTemplate', {
    templateid: id,
    zoneid,
  });
  await jobEnd(client, jobid, { pollMs: POLL_MS, signal });
}
