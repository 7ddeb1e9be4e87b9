/** What the runs of all downloaders say together. */
import { ARIA2, CURL } from './downloaders.ts';
import type { Downloaded, Downloader } from './downloaders.ts';
import { atLeast, atMost, median } from './statistics.ts';
import type { Goal } from './statistics.ts';

export interface Run extends Downloaded {
  readonly downloader: Downloader;
}

export interface DownloaderResult {
  readonly name: string;
  readonly verifies: boolean;
  /** Seconds of each round. */
  readonly rounds: readonly number[];
  /** Median. */
  readonly seconds: number;
  readonly cpuSecondsPerGib: number;
  /** Bypass's median divided by this one's: above 1 where Bypass is slower. */
  readonly ratio: number;
}

export interface DownloadSummary {
  /** Bypass first. */
  readonly downloaders: readonly DownloaderResult[];
  /** Largest resident set of Bypass's process, for the file and for one an eighth of its size. */
  readonly memory: { readonly smallSize: number; readonly smallBytes: number; readonly bytes: number };
  readonly goals: readonly Goal[];
}

const GIB = 1024 ** 3;
const MEGABYTE = 1e6;

export function summarize(
  runs: readonly Run[],
  { size, smallSize, smallPeakBytes }: Readonly<Record<'size' | 'smallSize' | 'smallPeakBytes', number>>,
): DownloadSummary {
  const downloaders = [...new Set(runs.map(({ downloader }) => downloader))]
    .map((downloader) => resultOf(downloader, runs, size))
    .map((result, _, [bypass]) => ({ ...result, ratio: (bypass?.seconds ?? 0) / result.seconds }));
  const memory = {
    smallSize,
    smallBytes: smallPeakBytes,
    bytes: Math.max(...runs.map(({ peakBytes = 0 }) => peakBytes)),
  };
  return { downloaders, memory, goals: [...speedGoals(downloaders), ...memoryGoals(memory)] };
}

function resultOf(
  downloader: Downloader,
  runs: readonly Run[],
  size: number,
): Omit<DownloaderResult, 'ratio'> {
  const { name, verifies } = downloader;
  const mine = runs.filter((run) => run.downloader === downloader);
  const rounds = mine.map(({ seconds }) => seconds);
  const cpu = median(mine.map(({ cpuSeconds }) => cpuSeconds));
  return { name, verifies, rounds, seconds: median(rounds), cpuSecondsPerGib: (cpu * GIB) / size };
}

/** Only beside what is installed. */
function speedGoals(results: readonly DownloaderResult[]): readonly Goal[] {
  const ratioTo = (name: string): readonly number[] =>
    results.filter((result) => result.name === name).map(({ ratio }) => ratio);
  return [
    ...ratioTo(CURL).map((ratio) => atMost("Bypass's seconds by those of curl", ratio, 2.2, '×')),
    ...ratioTo(ARIA2).map((ratio) => atLeast('as fast as aria2c', 1 / ratio, 2, '×')),
  ];
}

const memoryGoals = ({ bytes, smallBytes }: DownloadSummary['memory']): readonly Goal[] => [
  atMost('of memory', bytes / MEGABYTE, 250, 'MB'),
  atMost('the memory that an eighth of the size takes', bytes / smallBytes, 1.3, '×'),
];
