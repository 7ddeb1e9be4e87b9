/** One download as a host worker does it, in a process of its own, so that its memory and CPU are its alone. */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
// Not used here, but a host worker has it in its memory.
import '@temporalio/worker';
import { download } from '../images/download.ts';
import { openPool } from '../images/pool.ts';
import { createRateLimit } from '../images/rate-limit.ts';
import { createScheduler } from '../images/scheduler.ts';
import { createSources } from '../images/sources/index.ts';

/** What the process writes on its standard output, as one line of JSON. */
export interface WorkerReport {
  /** From the request to the published file, with Node already running as in a host worker. */
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** Largest resident set since the process began. */
  readonly peakBytes: number;
  readonly localPath: string;
  readonly sha256: string;
}

/** Of this program alone: resource usage would count what its parent had before it became this one. */
async function peakBytes(): Promise<number> {
  const status = await readFile('/proc/self/status', 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}

async function run(url: string, sha256: string, size: number, folder: string): Promise<WorkerReport> {
  const pool = await openPool({
    path: folder,
    type: 'Filesystem',
    scope: 'HOST',
    name: 'bench',
    create: true,
  });
  const scheduler = createScheduler({ limit: 2 });
  const { signal } = new AbortController();
  const deps = {
    sources: createSources(),
    hostId: randomUUID(),
    openParts: new Set<string>(),
    rateLimit: createRateLimit(),
  };
  const request = {
    pool,
    copyId: randomUUID(),
    attemptId: randomUUID(),
    url,
    mirrors: [],
    format: 'RAW',
    checksum: `{SHA-256}${sha256}`,
    size,
    signal,
    onProgress: () => undefined,
  } as const;
  const cpu = process.cpuUsage();
  const begun = performance.now();
  const image = await scheduler.run({ priority: 5, signal, onWaiting: () => undefined }, () =>
    download(request, deps),
  );
  const seconds = (performance.now() - begun) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const { localPath } = image;
  return {
    seconds,
    cpuSeconds: (user + system) / 1e6,
    peakBytes: await peakBytes(),
    localPath,
    sha256: image.sha256,
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [url = '', sha256 = '', size = '', folder = ''] = process.argv.slice(2);
  process.stdout.write(`${JSON.stringify(await run(url, sha256, Number(size), folder))}\n`);
}
