/** The same job many times, so many at a time. */
import { median } from './statistics.ts';

export interface Load {
  /** Jobs in all. */
  readonly count: number;
  /** Jobs at a time. */
  readonly concurrency: number;
}

export interface Throughput {
  /** Jobs that were done. */
  readonly perSecond: number;
  /** Median of one that was done. */
  readonly milliseconds: number;
  /** What those say that failed, as jobs do on a machine with too much to do. */
  readonly failures: readonly string[];
}

/** @throws the signal's reason when aborted; Error when no job at all was done */
export async function throughput(
  { count, concurrency }: Load,
  job: () => Promise<void>,
  signal: AbortSignal,
): Promise<Throughput> {
  const times: number[] = [];
  const failures: string[] = [];
  let left = count;
  const lane = async (): Promise<void> => {
    while (left > 0 && !signal.aborted) {
      left -= 1;
      const begun = performance.now();
      await job().then(
        () => times.push(performance.now() - begun),
        (error: unknown) => failures.push((error as Error).message),
      );
    }
  };
  const begun = performance.now();
  await Promise.all(Array.from({ length: Math.min(concurrency, count) }, lane));
  const seconds = (performance.now() - begun) / 1000;
  signal.throwIfAborted();
  if (times.length === 0) throw new Error(`All ${count} failed: ${failures[0]}`);
  return { perSecond: times.length / seconds, milliseconds: median(times), failures };
}
