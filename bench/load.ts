/** The same job many times, so many at a time. */
import { median } from './statistics.ts';

export interface Load {
  /** Jobs in all. */
  readonly count: number;
  /** Jobs at a time. */
  readonly concurrency: number;
}

export interface Throughput {
  readonly perSecond: number;
  /** Median of one job. */
  readonly milliseconds: number;
}

/** @throws what a job throws, when those that run have ended */
export async function throughput(
  { count, concurrency }: Load,
  job: () => Promise<void>,
): Promise<Throughput> {
  const times: number[] = [];
  let left = count;
  const lane = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const begun = performance.now();
      await job();
      times.push(performance.now() - begun);
    }
  };
  const begun = performance.now();
  const lanes = await Promise.allSettled(Array.from({ length: Math.min(concurrency, count) }, lane));
  const seconds = (performance.now() - begun) / 1000;
  for (const { status, ...ended } of lanes) {
    if (status === 'rejected') throw (ended as { reason: unknown }).reason;
  }
  return { perSecond: count / seconds, milliseconds: median(times) };
}
