/** Downloads as a host worker does, in a separate process, so that memory and CPU time are measured for the downloads alone. */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
// Unused here, but loaded by a host worker, so that its memory counts.
import '@temporalio/worker';
import { openPool } from '../images/pools/kinds.ts';
import { createScheduler } from '../images/attempt/scheduler.ts';
import { LOOPBACK } from '../model/url-policy.ts';
import type { TemplateFormat } from '../model/states.ts';
import { readCertificates } from '../trust/certificates.ts';
import { openKeystore } from '../trust/keystore.ts';
import { createLogger } from '../workers/log.ts';
import { createTransfers } from '../workers/transfers.ts';
import { peakMemory, warmMemory } from './memory.ts';

/** The process's one argument, as JSON. */
export interface DownloadsJob {
  readonly url: string;
  /** SHA-256 of the file as transferred; `size` is of that file, too. */
  readonly sha256: string;
  readonly size: number;
  readonly format: TemplateFormat;
  /** Number of simultaneous downloads, all of the same file. */
  readonly copies: number;
  readonly folder: string;
  /** Bytes of memory to warm before the download, as for the other contestants. */
  readonly warm: number;
  /** PEM file of the authority that issued the server's certificate. */
  readonly caFile?: string;
}

/** The result, which the process writes to standard output as one line of JSON. */
export interface DownloadsReport {
  /** Seconds from the request to the last published file. Node's start does not count, since a host worker runs already. */
  readonly seconds: number;
  /** CPU seconds, including the programs that the process ran. */
  readonly cpuSeconds: number;
  readonly paths: readonly string[];
  /** Peak resident memory of the process. */
  readonly peakBytes: number;
}

/** No server listens on port 1. */
const NOTHING = 'http://127.0.0.1:1/';

/** Clock ticks per second, the unit of times in /proc. */
const TICKS = 100;

/** Seconds of user and system time of this process and its ended children. */
async function cpuSeconds(): Promise<number> {
  const stat = await readFile('/proc/self/stat', 'utf8');
  // The program name in brackets may contain any character.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ofChildren = (Number(fields[13]) + Number(fields[14])) / TICKS;
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6 + ofChildren;
}

async function run(job: DownloadsJob): Promise<DownloadsReport> {
  const { url, sha256, size, format, copies, folder, warm, caFile } = job;
  const pool = await openPool({
    path: folder,
    type: 'Filesystem',
    scope: 'HOST',
    name: 'bench',
    create: true,
  });
  const scheduler = createScheduler({ limit: copies });
  const { signal } = new AbortController();
  if (caFile !== undefined) {
    const certificates = readCertificates(await readFile(caFile, 'utf8')).map(({ raw }) => raw);
    await openKeystore(folder).write([{ alias: 'bench', certificates }]);
  }
  const transfers = createTransfers({
    // The bench's own servers are on this machine.
    settings: {
      hostId: randomUUID(),
      sources: { policy: { openAddresses: LOOPBACK } },
      stateDir: folder,
      rate: 0,
    },
    logger: createLogger('warn', 'bench'),
  });
  const one = async (from: string): Promise<string> => {
    const request = {
      pool,
      templateId: randomUUID(),
      copyId: randomUUID(),
      attemptId: randomUUID(),
      url: from,
      mirrors: [],
      format,
      checksum: `{SHA-256}${sha256}`,
      size,
      signal,
      onProgress: () => undefined,
    } as const;
    const { localPath } = await scheduler.run({ priority: 5, signal, onWaiting: () => undefined }, () =>
      transfers.download(request),
    );
    return localPath;
  };
  // A running host has started the digest thread already; a download that fails starts it here.
  await one(NOTHING).catch(() => undefined);
  warmMemory(folder, warm);
  const cpu = await cpuSeconds();
  const begun = performance.now();
  const paths = await Promise.all(Array.from({ length: copies }, () => one(url)));
  const seconds = (performance.now() - begun) / 1000;
  const report = {
    seconds,
    cpuSeconds: (await cpuSeconds()) - cpu,
    paths,
    peakBytes: await peakMemory(),
  };
  await transfers.close();
  return report;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const report = await run(JSON.parse(process.argv[2] ?? '') as DownloadsJob);
  process.stdout.write(`${JSON.stringify(report)}\n`);
}
