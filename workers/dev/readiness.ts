/** Waits until everything answers, and no longer than there is hope. */
import { readFile } from 'node:fs/promises';
import { get } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HostAnswer, PoolAnswer } from '../../cli/answers.ts';
import type { ApiClient } from '../../cli/client.ts';
import { POOL_MARKER } from '../../model/names.ts';
import { StartError } from '../runtime.ts';
import { lastLines } from './child.ts';
import type { PoolPlace } from './services.ts';
import type { Supervisor } from './supervisor.ts';

const LOOK_MS = 100;
const READY_MS = 120_000;
/** A process that ended so often before it was ready will not become it. */
const FAILURES = 3;
const LOG_LINES = 6;

export interface Pool extends PoolPlace {
  readonly id: string;
}

interface Waiting {
  readonly supervisor: Supervisor;
  readonly signal: AbortSignal;
}

/**
 * @param what as in "… did not become ready"
 * @throws StartError with the end of the log of what does not come up
 */
export async function waitFor<T>(
  what: string,
  look: () => Promise<T | undefined>,
  { supervisor, signal }: Waiting,
): Promise<T> {
  const deadline = performance.now() + READY_MS;
  for (;;) {
    signal.throwIfAborted();
    const found = await look();
    if (found !== undefined) return found;
    const failing = supervisor.failing(FAILURES);
    if (failing !== undefined) {
      const { name, logFile } = failing;
      throw new StartError(
        `${name} does not stay up; the end of ${logFile}:\n${await lastLines(logFile, LOG_LINES)}`,
      );
    }
    if (performance.now() >= deadline) {
      throw new StartError(`${what} did not become ready within ${READY_MS / 1000} s`);
    }
    await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** @returns true when a process says at `/readyz` that it can do its work */
export function isReady(origin: string): Promise<true | undefined> {
  return new Promise((resolve) => {
    const request = get(`${origin}/readyz`, { agent: false, timeout: 5000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200 ? true : undefined);
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(undefined));
  });
}

const isUp = ({ state, resourcestate }: HostAnswer): boolean => state === 'Up' && resourcestate === 'Enabled';

/** @returns true once each of these hosts takes work, as the API tells it */
export async function areUp(client: ApiClient, names: readonly string[]): Promise<true | undefined> {
  const hosts = await client.list<HostAnswer>('listHosts', 'host');
  return names.every((name) => hosts.some((host) => host.name === name && isUp(host))) ? true : undefined;
}

/** @returns the pools with their ids, once the API lists all of them */
export async function arePools(
  client: ApiClient,
  places: readonly PoolPlace[],
): Promise<readonly Pool[] | undefined> {
  const listed = await client.list<PoolAnswer>('listStoragePools', 'storagepool');
  const pools = await Promise.all(
    places.map(async (place) => ({ ...place, id: await markerId(place.path) })),
  );
  return pools.every(({ id }) => listed.some((pool) => pool.id === id)) ? pools : undefined;
}

/** Empty while there is no marker. */
async function markerId(path: string): Promise<string> {
  try {
    return (JSON.parse(await readFile(join(path, POOL_MARKER), 'utf8')) as { readonly id: string }).id;
  } catch {
    return '';
  }
}
