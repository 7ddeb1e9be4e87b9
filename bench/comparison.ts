/** Compares Bypass with other tools: the time to download a file from a server on this machine onto its disk. */
import { mkdir, mkdtemp, rm, stat, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Case, Serving } from './cases.ts';
import { bypass, missingPrograms } from './contestants.ts';
import type { Contestant, Done } from './contestants.ts';
import { runProgram } from './processes.ts';
import { summarize } from './results.ts';
import type { Result, Run } from './results.ts';
import { atMost, orderOfRound } from './statistics.ts';
import type { Goal } from './statistics.ts';
import { CannotBench } from './watch.ts';
import type { Watch } from './watch.ts';

export interface ComparisonOptions extends Watch {
  /** Requested bytes, of which a case takes its share. */
  readonly size: number;
  readonly rounds: number;
}

export interface ComparisonReport {
  readonly name: string;
  readonly title: string;
  /** Bytes of the image. */
  readonly size: number;
  /** Transferred bytes: fewer when the image is packed. */
  readonly transferred: number;
  readonly server: 'nginx' | 'node';
  /** Folder of the downloads. */
  readonly folder: string;
  /** Missing programs; contestants that need them are omitted. */
  readonly missing: readonly string[];
  /** Results, Bypass first. */
  readonly contestants: readonly Result[];
  /** Bypass's peak memory for a file of an eighth of the size. */
  readonly small?: { readonly size: number; readonly peakBytes: number };
  readonly goals: readonly Goal[];
}

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
/** Minimum file size: a probe reads as much of it as of a large file. */
const MIN_SIZE = MIB;

/** @throws CannotBench when space is missing */
export async function compare(one: Case, options: ComparisonOptions): Promise<ComparisonReport> {
  const size = Math.max(MIN_SIZE, Math.ceil(options.size * one.share));
  await requireSpace(size * (1 + one.copies));
  const folder = await mkdtemp(join(tmpdir(), 'bypass-bench-'));
  try {
    return await compareIn(folder, one, size, options);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Requires space for the file, its copies, and temporary files. */
async function requireSpace(bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(tmpdir());
  const [needed, free] = [1.5 * bytes, bavail * bsize];
  if (free >= needed) return;
  throw new CannotBench(
    `${tmpdir()} has ${gib(free)} GiB free and the bench needs ${gib(needed)}: free some, set TMPDIR to a folder on another disk, or give a smaller --size`,
  );
}

const gib = (bytes: number): string => (bytes / GIB).toFixed(1);

async function compareIn(
  folder: string,
  one: Case,
  size: number,
  options: ComparisonOptions,
): Promise<ComparisonReport> {
  const missing = missingPrograms(one.others);
  const others = one.others.filter(({ programs }) => !programs.some((name) => missing.includes(name)));
  const small =
    one.alsoSmall === true ? await measureSmall(join(folder, 'small'), one, size, options) : undefined;
  return serving(join(folder, 'full'), one, { ...options, size }, async (served, measure) => {
    const runs: Run[] = [];
    for (let round = 0; round < options.rounds; round += 1) {
      for (const contestant of orderOfRound([bypass, ...others], round)) {
        options.onStep(`${one.name}, round ${round + 1} of ${options.rounds}: ${contestant.name}`);
        runs.push({ contestant, ...(await measure(contestant)) });
      }
    }
    const contestants = summarize(runs, served.imageSize * one.copies);
    return {
      name: one.name,
      title: one.title,
      size: served.imageSize,
      transferred: served.size,
      server: served.server,
      folder: tmpdir(),
      missing,
      contestants,
      ...(small === undefined ? {} : { small }),
      goals: [...one.goals.flatMap((goal) => goal(contestants)), ...growth(contestants, small)],
    };
  });
}

type Small = NonNullable<ComparisonReport['small']>;

const measureSmall = (folder: string, one: Case, size: number, options: ComparisonOptions): Promise<Small> =>
  serving(folder, one, { ...options, size: Math.ceil(size / 8) }, async (served, measure) => ({
    size: served.size,
    peakBytes: (await measure(bypass)).peakBytes ?? 0,
  }));

const growth = ([ours]: readonly Result[], small: Small | undefined): readonly Goal[] =>
  ours?.peakBytes === undefined || small === undefined
    ? []
    : [atMost('the memory that an eighth of the size takes', ours.peakBytes / small.peakBytes, 1.3, '×')];

type Measure = (contestant: Contestant) => Promise<Done>;

async function serving<T>(
  folder: string,
  one: Case,
  { size, signal, onStep }: Watch & { readonly size: number },
  use: (served: Serving, measure: Measure) => Promise<T>,
): Promise<T> {
  const targets = join(folder, 'targets');
  await mkdir(targets, { recursive: true });
  onStep(`${one.name}: making ${Math.ceil(size / MIB)} MiB to download`);
  const served = await one.serve(folder, size, signal);
  try {
    return await use(served, (contestant) => measureIn(targets, contestant, { one, served, signal }));
  } finally {
    await served.close();
    await rm(folder, { recursive: true, force: true });
  }
}

interface Turn {
  readonly one: Case;
  readonly served: Serving;
  readonly signal: AbortSignal;
}

/** Waits until the disk has written what the previous contestant left, so that no contestant pays for another one. */
async function measureIn(targets: string, contestant: Contestant, turn: Turn): Promise<Done> {
  const { one, served, signal } = turn;
  const folder = await mkdtemp(join(targets, 'target-'));
  try {
    await runProgram('sync', ['-f', targets], signal);
    const done = await contestant.run({ ...served, copies: one.copies, folder, signal });
    for (const path of done.paths) {
      const { size } = await stat(path);
      if (size === served.imageSize) continue;
      throw new Error(`${contestant.name} left ${size} bytes of ${served.imageSize}`);
    }
    return done;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
