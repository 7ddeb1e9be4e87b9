/** Fetched bytes, by the minute in which they arrived. */

/** The bytes that a running attempt has fetched so far. */
export interface RunningFetch {
  readonly attemptId: string;
  /** Bytes from sources, without those that were on the pool before the attempt. */
  readonly bytes: number;
  /** When it began, by Temporal's clock. */
  readonly begun: Date;
}

/** Bytes that arrived evenly over a time. */
export interface Arrival {
  readonly bytes: number;
  readonly from: Date;
  readonly to: Date;
}

export const MINUTE_MS = 60_000;

/** Minutes for which bytes are counted and kept: twice as many as the page shows. */
export const MINUTES_KEPT = 120;

const minuteOf = (ms: number): number => Math.floor(ms / MINUTE_MS) * MINUTE_MS;

/**
 * @returns whole bytes by the beginning of the minute, in milliseconds since 1970, the oldest first. They add up to
 * `bytes`, but for those that came more than `MINUTES_KEPT` before the end. What took no time came in the minute of its end.
 */
export function byMinute({ bytes, from, to }: Arrival): ReadonlyMap<number, number> {
  const end = to.getTime();
  const start = Math.min(from.getTime(), end);
  if (start === end) return new Map([[minuteOf(end), bytes]]);
  const until = (ms: number): number => Math.round((bytes * (Math.min(ms, end) - start)) / (end - start));
  const minutes = new Map<number, number>();
  const first = Math.max(minuteOf(start), minuteOf(end) - MINUTES_KEPT * MINUTE_MS);
  for (let minute = first; minute < end; minute += MINUTE_MS) {
    minutes.set(minute, until(minute + MINUTE_MS) - until(Math.max(minute, start)));
  }
  return minutes;
}
