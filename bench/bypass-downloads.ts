/** Downloads as a host worker does them, in a process of its own, so that its memory and CPU are its alone. */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
// Not used here, but a host worker has it in its memory.
import '@temporalio/worker';
import { openPool } from '../images/pool.ts';
import { createScheduler } from '../images/scheduler.ts';
import { LOOPBACK } from '../model/url-policy.ts';
import type { TemplateFormat } from '../model/states.ts';
import { readCertificates } from '../trust/certificates.ts';
import { openKeystore } from '../trust/keystore.ts';
import { createLogger } from '../workers/log.ts';
import { createTransfers } from '../workers/transfers.ts';

/** The process's one argument, as JSON. */
export interface DownloadsJob {
  readonly url: string;
  /** Of the file as transferred, as is `size`. */
  readonly sha256: string;
  readonly size: number;
  readonly format: TemplateFormat;
  /** Downloads at a time, all of the same file. */
  readonly copies: number;
  readonly folder: string;
  /** PEM file of the authority that the server's certificate is of. */
  readonly caFile?: string;
}

/** What the process writes on its standard output, as one line of JSON. */
export interface DownloadsReport {
  /** From the request to the last published file, with Node already running as in a host worker. */
  readonly seconds: number;
  /** Of the programs that it ran, too. */
  readonly cpuSeconds: number;
  readonly paths: readonly string[];
}

/** Nobody listens on port 1. */
const NOTHING = 'http://127.0.0.1:1/';

/** Clock ticks of a second, in which Linux tells times to programs. */
const TICKS = 100;

/** Seconds of user and system time, of this process and of its children that ended. */
async function cpuSeconds(): Promise<number> {
  const stat = await readFile('/proc/self/stat', 'utf8');
  // The name in brackets may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ofChildren = (Number(fields[13]) + Number(fields[14])) / TICKS;
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6 + ofChildren;
}

async function run(job: DownloadsJob): Promise<DownloadsReport> {
  const { url, sha256, size, format, copies, folder, caFile } = job;
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
      keystoreDir: folder,
      rate: 0,
    },
    logger: createLogger('warn', 'bench'),
  });
  const one = async (from: string): Promise<string> => {
    const request = {
      pool,
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
  // Its thread is there in a host that runs; here, one that fails starts it.
  await one(NOTHING).catch(() => undefined);
  const cpu = await cpuSeconds();
  const begun = performance.now();
  const paths = await Promise.all(Array.from({ length: copies }, () => one(url)));
  const seconds = (performance.now() - begun) / 1000;
  const report = { seconds, cpuSeconds: (await cpuSeconds()) - cpu, paths };
  await transfers.close();
  return report;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const report = await run(JSON.parse(process.argv[2] ?? '') as DownloadsJob);
  process.stdout.write(`${JSON.stringify(report)}\n`);
}
