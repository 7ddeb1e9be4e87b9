/** Waits until the processes of a start are ready, and fails early when one of them keeps ending. */
import { readFile } from 'node:fs/promises';
import { get } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Host, StoragePool } from '../model/api-answers.ts';
import type { ApiClient } from '../cli/client.ts';
import { poolMarker } from '../images/pools/files/marker.ts';
import { readJson } from '../model/messages/schema.ts';
import { POOL_MARKER } from '../model/names.ts';
import { StartError } from '../workers/start-error.ts';
import { lastLines } from './child-process.ts';
import type { PoolPlace } from './services.ts';
import type { Service, Supervisor } from './supervisor.ts';

const LOOK_MS = 100;
const READY_MS = 120_000;
/** After this many ends before it was ready, the start gives a process up. */
const MAX_FAILURES = 3;
const LOG_LINES = 6;

export interface Pool extends PoolPlace {
  readonly id: string;
}

interface Waiting {
  readonly supervisor: Supervisor;
  readonly signal: AbortSignal;
  /** Milliseconds until the start is given up. Default 120 000. */
  readonly timeoutMs?: number;
}

/** What one look found: the value, or what is still missing, as a sentence without its full stop. */
type Look<T> = { readonly found: T } | { readonly missing: () => string | Promise<string> };

/**
 * @throws StartError with the end of the log of the process that keeps ending, or when the time is over with what is
 * still missing
 */
export async function waitFor<T>(
  look: () => Promise<Look<T>>,
  { supervisor, signal, timeoutMs = READY_MS }: Waiting,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    signal.throwIfAborted();
    const seen = await look();
    if ('found' in seen) return seen.found;
    const failing = supervisor.failing(MAX_FAILURES);
    if (failing !== undefined) {
      const { name, logFile } = failing;
      throw new StartError(
        `${name} does not stay up; the end of ${logFile}:\n${await lastLines(logFile, LOG_LINES)}`,
      );
    }
    if (performance.now() >= deadline) {
      const missing = await seen.missing();
      throw new StartError(`Bypass did not become ready within ${timeoutMs / 1000} s: ${missing}`);
    }
    await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** Whether a process answers `/readyz` with 200; if not, the end of its log may say why. */
export async function lookAtProcess(
  { name, logFile }: Pick<Service, 'name' | 'logFile'>,
  origin: string,
): Promise<Look<true>> {
  if (await isReady(origin)) return { found: true };
  return {
    missing: async () =>
      `the ${name} is not ready; the end of ${logFile}:\n${await lastLines(logFile, LOG_LINES)}`,
  };
}

function isReady(origin: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(`${origin}/readyz`, { agent: false, timeout: 5000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(false));
  });
}

/** Whether the API lists each of these hosts as Up and Enabled. */
export async function lookAtHosts(client: ApiClient, names: readonly string[]): Promise<Look<true>> {
  const hosts = await client.list<Host>('listHosts', 'host');
  const missing = names.flatMap((name) => {
    const lack = lackOf(hosts.find((host) => host.name === name));
    return lack === undefined ? [] : [`host ${name} ${lack}`];
  });
  return missing.length === 0 ? { found: true } : { missing: () => missing.join('; ') };
}

function lackOf(host: Host | undefined): string | undefined {
  if (host === undefined) return 'has not joined';
  const { state, resourcestate, lastpinged } = host;
  const lacks = [
    ...(state === 'Up' ? [] : [`is ${state} (heard of last: ${lastpinged ?? 'never'})`]),
    ...(resourcestate === 'Enabled' ? [] : [`is ${resourcestate}`]),
  ];
  return lacks.length === 0 ? undefined : lacks.join(' and ');
}

/** The pools with their ids, once the API lists all of them. */
export async function lookAtPools(
  client: ApiClient,
  places: readonly PoolPlace[],
): Promise<Look<readonly Pool[]>> {
  const listed = await client.list<StoragePool>('listStoragePools', 'storagepool');
  const pools = await Promise.all(
    places.map(async (place) => ({ ...place, id: await markerId(place.path) })),
  );
  const missing = pools.filter(({ id }) => !listed.some((pool) => pool.id === id));
  if (missing.length === 0) return { found: pools };
  const sentences = missing.map(({ name, path }) => `the API does not list pool ${name} at ${path}`);
  return { missing: () => sentences.join('; ') };
}

/** The id in the pool's marker file; empty while there is no marker. */
async function markerId(path: string): Promise<string> {
  const json = await readFile(join(path, POOL_MARKER), 'utf8').catch(() => undefined);
  return readJson(poolMarker, json).value?.id ?? '';
}
