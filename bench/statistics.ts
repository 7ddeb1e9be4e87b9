/** Statistics over the measurements of several rounds, and goals. */

/** @throws RangeError when there are no values */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)];
  const lower = sorted[Math.ceil(middle) - 1];
  if (upper === undefined || lower === undefined) throw new RangeError('a median needs at least one value');
  return (lower + upper) / 2;
}

/** The order of a round: forwards and backwards in turn, so that no contestant is always last. */
export const orderOfRound = <T>(items: readonly T[], round: number): readonly T[] =>
  round % 2 === 0 ? items : items.toReversed();

/** A goal: an upper or lower limit for a value. */
export interface Goal {
  readonly name: string;
  readonly value: number;
  readonly limit: number;
  readonly direction: 'at most' | 'at least';
  /** Unit of the numbers, such as `×` or `MB`. */
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
