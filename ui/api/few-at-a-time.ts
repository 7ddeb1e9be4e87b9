import pLimit from 'p-limit';

/** Calls at a time: many at once would only wait for each other in the api. */
const FEW = 6;

/** Calls `act` for each item, also when it fails for others. @returns how each ended, in their order */
export function fewAtATime<T, R>(
  items: readonly T[],
  act: (item: T) => Promise<R>,
): Promise<readonly PromiseSettledResult<R>[]> {
  const limit = pLimit(FEW);
  return Promise.allSettled(items.map((item) => limit(act, item)));
}
