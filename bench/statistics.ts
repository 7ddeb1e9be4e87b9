/** What is made of the measurements of several rounds. */

/** @throws RangeError when there are no values */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)];
  const lower = sorted[Math.ceil(middle) - 1];
  if (upper === undefined || lower === undefined) throw new RangeError('a median needs at least one value');
  return (lower + upper) / 2;
}

/** The order of a round: forwards in the first, backwards in the next, and so on, so that nobody always goes last. */
export const orderOfRound = <T>(items: readonly T[], round: number): readonly T[] =>
  round % 2 === 0 ? items : items.toReversed();

/** Something to reach: at most, or at least, so much. */
export interface Goal {
  readonly name: string;
  readonly value: number;
  readonly limit: number;
  readonly direction: 'at most' | 'at least';
  /** What the numbers count, such as `×` or `MB`. */
  readonly unit: string;
  readonly met: boolean;
}

export const atMost = (name: string, value: number, limit: number, unit: string): Goal => ({
  name,
  value,
  limit,
  unit,
  direction: 'at most',
  met: value <= limit,
});

export const atLeast = (name: string, value: number, limit: number, unit: string): Goal => ({
  name,
  value,
  limit,
  unit,
  direction: 'at least',
  met: value >= limit,
});
