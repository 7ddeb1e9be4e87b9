/** Summarizes the runs of all contestants. */
import type { Contestant, Done } from './contestants.ts';
import { atLeast, atMost, median } from './statistics.ts';
import type { Goal } from './statistics.ts';

export interface Run extends Omit<Done, 'paths'> {
  readonly contestant: Pick<Contestant, 'name' | 'verifies'>;
}

export interface Result {
  readonly name: string;
  readonly verifies: boolean;
  /** Seconds of each round. */
  readonly rounds: readonly number[];
  /** Median. */
  readonly seconds: number;
  /** Processor seconds per GiB of image. */
  readonly cpuSecondsPerGib: number;
  /** Peak memory over all rounds; of Bypass alone. */
  readonly peakBytes?: number;
  /** Bypass's median divided by this contestant's: above 1 when Bypass is slower. */
  readonly ratio: number;
}

const GIB = 1024 ** 3;
const MEGABYTE = 1e6;

/** @param bytes of all images of one run. @returns one for each contestant, in the order of their first runs */
export function summarize(runs: readonly Run[], bytes: number): readonly Result[] {
  const names = [...new Set(runs.map(({ contestant }) => contestant.name))];
  return names
    .map((name) =>
      resultOf(
        runs.filter(({ contestant }) => contestant.name === name),
        bytes,
      ),
    )
    .map((result, _, [bypass]) => ({ ...result, ratio: (bypass?.seconds ?? 0) / result.seconds }));
}

function resultOf(runs: readonly Run[], bytes: number): Omit<Result, 'ratio'> {
  const rounds = runs.map(({ seconds }) => seconds);
  const cpu = median(runs.map(({ cpuSeconds }) => cpuSeconds));
  const peaks = runs.flatMap(({ peakBytes }) => peakBytes ?? []);
  return {
    name: runs[0]?.contestant.name ?? '',
    verifies: runs[0]?.contestant.verifies ?? false,
    rounds,
    seconds: median(rounds),
    cpuSecondsPerGib: (cpu * GIB) / bytes,
    ...(peaks.length === 0 ? {} : { peakBytes: Math.max(...peaks) }),
  };
}

/** The goals, given the results; none when the compared contestant did not run. */
export type GoalOf = (results: readonly Result[]) => readonly Goal[];

const beside =
  (name: string, goal: (ratio: number) => Goal): GoalOf =>
  (results) =>
    results.filter((result) => result.name === name).map(({ ratio }) => goal(ratio));

export const atMostAsLongAs = (name: string, limit: number): GoalOf =>
  beside(name, (ratio) => atMost(`the time of ${name}`, ratio, limit, '×'));

export const asFastAs = (name: string, limit: number): GoalOf =>
  beside(name, (ratio) => atLeast(`as fast as ${name}`, 1 / ratio, limit, '×'));

/** A goal for CPU seconds, relative to another contestant. */
export const cpuAtMost =
  (name: string, limit: number): GoalOf =>
  (results) => {
    const [bypass] = results;
    return results
      .filter((result) => result.name === name)
      .map(({ cpuSecondsPerGib }) =>
        atMost(`the CPU of ${name}`, (bypass?.cpuSecondsPerGib ?? 0) / cpuSecondsPerGib, limit, '×'),
      );
  };

export const memoryAtMost =
  (megabytes: number): GoalOf =>
  ([bypass]) =>
    bypass?.peakBytes === undefined
      ? []
      : [atMost('of memory', bypass.peakBytes / MEGABYTE, megabytes, 'MB')];
