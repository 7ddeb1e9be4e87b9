/** The calls to the api that several parts of the bench make. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from '../cli/client.ts';
import type { ApiClient } from '../cli/client.ts';
import { JOB_WAIT_SECONDS } from '../model/states.ts';
import type { Stack } from './stack.ts';
import { CannotBench } from './watch.ts';

export function clientOf({ ready }: Stack): ApiClient {
  const { apiUrl: url, apiKey, secretKey } = ready;
  return createClient({ url, apiKey, secretKey, origin: 'the bench' });
}

/** @returns the id of the one zone */
export async function zoneOf(client: ApiClient): Promise<string> {
  const [zone] = await client.list<{ readonly id: string }>('listZones', 'zone');
  return zone?.id ?? '';
}

export interface RegisteredImage {
  readonly id: string;
  readonly isready?: boolean;
}

/** Registers a RAW image. */
export async function registerImage(
  client: ApiClient,
  given: { readonly name: string; readonly url: string; readonly zoneid: string },
): Promise<RegisteredImage> {
  const fixed = { displaytext: given.name, format: 'RAW', hypervisor: 'KVM', directdownload: true };
  const { template } = await client.call<{ readonly template: readonly [RegisteredImage] }>(
    'registerTemplate',
    { ...given, ...fixed },
  );
  return template[0];
}

export interface JobWait {
  /** Milliseconds between questions. Absent: the api answers when the job ends. */
  readonly pollMs?: number;
  readonly signal: AbortSignal;
  /** Default: no limit. */
  readonly seconds?: number;
}

interface EndedJob {
  readonly jobstatus: number;
  readonly jobresult?: { readonly errortext?: string };
}

/**
 * @returns the time at which the job was found ended; undefined when it did not end within `seconds`
 * @throws CannotBench when it failed
 */
export async function jobEnd(client: ApiClient, jobid: string, wait: JobWait): Promise<number | undefined> {
  const job = await endedJob(client, jobid, wait);
  if (job?.jobstatus === 2)
    throw new CannotBench(`A job of the bench failed: ${job.jobresult?.errortext ?? ''}`);
  return job && performance.now();
}

/** @returns the job when it has ended, well or not; undefined when it did not within `seconds` */
export async function endedJob(
  client: ApiClient,
  jobid: string,
  { pollMs, signal, seconds = Infinity }: JobWait,
): Promise<EndedJob | undefined> {
  const waiting = pollMs === undefined ? { wait: String(JOB_WAIT_SECONDS) } : {};
  const until = performance.now() + seconds * 1000;
  while (performance.now() < until) {
    signal.throwIfAborted();
    const job = await client.call<EndedJob>('queryAsyncJobResult', { jobid, ...waiting });
    if (job.jobstatus !== 0) return job;
    if (pollMs !== undefined) await sleep(pollMs);
  }
  return undefined;
}
