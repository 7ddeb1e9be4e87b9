/** Seconds to download and verify one file from a server on this machine, Bypass beside the tools. */
import { mkdir, mkdtemp, rm, stat, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { summarize } from './download-summary.ts';
import type { DownloadSummary, Run } from './download-summary.ts';
import { bypass, missingPrograms, TOOLS } from './downloaders.ts';
import type { Downloaded, Downloader, Task } from './downloaders.ts';
import { serveFile } from './file-server.ts';
import { runProgram } from './processes.ts';
import { warm, writeRandomFile } from './random-file.ts';
import { orderOfRound } from './statistics.ts';
import { CannotBench } from './watch.ts';
import type { Watch } from './watch.ts';

export interface DownloadOptions extends Watch {
  /** Bytes of the file. */
  readonly size: number;
  readonly rounds: number;
}

export interface DownloadReport extends DownloadSummary {
  readonly size: number;
  readonly server: 'nginx' | 'node';
  /** Where it was downloaded to. */
  readonly folder: string;
  /** Programs that are not installed; what needs them was left out. */
  readonly missing: readonly string[];
}

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

export async function benchDownload(options: DownloadOptions): Promise<DownloadReport> {
  await requireSpace(options.size);
  const folder = await mkdtemp(join(tmpdir(), 'bypass-bench-'));
  try {
    return await benchIn(folder, options);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function requireSpace(size: number): Promise<void> {
  const { bavail, bsize } = await statfs(tmpdir());
  const [needed, free] = [3 * size, bavail * bsize];
  if (free >= needed) return;
  throw new CannotBench(
    `${tmpdir()} has ${gib(free)} GiB free and the bench needs ${gib(needed)} (three times its file): free some, set TMPDIR to a folder on another disk, or give a smaller --size`,
  );
}

const gib = (bytes: number): string => (bytes / GIB).toFixed(1);

async function benchIn(folder: string, options: DownloadOptions): Promise<DownloadReport> {
  const { size, rounds, onStep } = options;
  const missing = missingPrograms();
  const tools = TOOLS.filter(({ programs }) => !programs.some((name) => missing.includes(name)));
  const smallSize = Math.ceil(size / 8);
  const small = await serving(join(folder, 'small'), smallSize, options, (source) => measure(bypass, source));
  return serving(join(folder, 'full'), size, options, async (source) => {
    const runs: Run[] = [];
    for (let round = 0; round < rounds; round += 1) {
      for (const downloader of orderOfRound([bypass, ...tools], round)) {
        onStep(`round ${round + 1} of ${rounds}: ${downloader.name}`);
        runs.push({ downloader, ...(await measure(downloader, source)) });
      }
    }
    const summary = summarize(runs, { size, smallSize, smallPeakBytes: small.peakBytes ?? 0 });
    return { size, server: source.server, folder: tmpdir(), missing, ...summary };
  });
}

interface Served extends Omit<Task, 'folder'> {
  readonly server: 'nginx' | 'node';
  /** Where each download gets a folder of its own. */
  readonly targets: string;
}

async function serving<T>(
  folder: string,
  size: number,
  { onStep, signal }: Watch,
  use: (served: Served) => Promise<T>,
): Promise<T> {
  const [root, targets] = [join(folder, 'source'), join(folder, 'targets')];
  await mkdir(root, { recursive: true });
  await mkdir(targets);
  onStep(`writing ${Math.ceil(size / MIB)} MiB of random data`);
  const file = join(root, 'image.raw');
  const sha256 = await writeRandomFile(file, size, signal);
  const server = await serveFile(file, folder);
  try {
    await warm(file);
    return await use({ url: server.url, server: server.name, sha256, size, targets, signal });
  } finally {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** What the one before left for the disk to do is done first, so that nobody pays for another. */
async function measure(downloader: Downloader, { targets, ...task }: Served): Promise<Downloaded> {
  const folder = await mkdtemp(join(targets, 'target-'));
  try {
    await runProgram('sync', ['-f', targets], task.signal);
    const downloaded = await downloader.run({ ...task, folder });
    const { size: written } = await stat(downloaded.path);
    if (written !== task.size) throw new Error(`${downloader.name} left ${written} bytes of ${task.size}`);
    return downloaded;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
