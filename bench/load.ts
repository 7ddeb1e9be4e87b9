/** Runs the same job many times, with limited concurrency. */
import pLimit from 'p-limit';
import { median } from './statistics.ts';

export interface Load {
  /** Total number of jobs. */
  readonly count: number;
  /** Maximum concurrent jobs. */
  readonly concurrency: number;
}

export interface Throughput {
  /** Number of successful jobs. */
  readonly perSecond: number;
  /** Median time of a successful job. */
  readonly milliseconds: number;
  /** Messages of failed jobs, which a busy machine may have. */
  readonly failures: readonly string[];
}

export interface Rates {
  /** Per second, of each round. */
  readonly rounds: readonly number[];
  /** Median of the rounds. */
  readonly perSecond: number;
  /** Time of one job among concurrent ones: median over the rounds of each round's median. */
  readonly milliseconds: number;
  /** Messages of failed jobs, which do not count. */
  readonly failures: readonly string[];
}

/** @throws the signal's reason when aborted; Error when no job succeeded */
export async function throughput(
  { count, concurrency }: Load,
  job: () => Promise<void>,
  signal: AbortSignal,
): Promise<Throughput> {
  const times: number[] = [];
  const failures: string[] = [];
  const limit = pLimit(concurrency);
  const timed = async (): Promise<void> => {
    if (signal.aborted) return;
    const begun = performance.now();
    await job().then(
      () => times.push(performance.now() - begun),
      (error: unknown) => failures.push((error as Error).message),
    );
  };
  const begun = performance.now();
  await Promise.all(Array.from({ length: count }, () => limit(timed)));
  const seconds = (performance.now() - begun) / 1000;
  signal.throwIfAborted();
  if (times.length === 0) throw new Error(`All ${count} failed: ${failures[0]}`);
  return { perSecond: times.length / seconds, milliseconds: median(times), failures };
}

export const ratesOf = (measured: readonly Throughput[]): Rates => ({
  rounds: measured.map(({ perSecond }) => perSecond),
  perSecond: median(measured.map(({ perSecond }) => perSecond)),
  milliseconds: median(measured.map(({ milliseconds }) => milliseconds)),
  failures: measured.flatMap(({ failures }) => failures),
});
