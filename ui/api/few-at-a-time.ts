/** Calls at a time: many at once would only wait for each other in the api. */
const FEW = 6;

/** Does something for each, whatever becomes of the others. @returns how each ended, in their order */
export async function fewAtATime<T, R>(
  items: readonly T[],
  act: (item: T) => Promise<R>,
): Promise<readonly PromiseSettledResult<R>[]> {
  const results: PromiseSettledResult<R>[] = [];
  const waiting = items.entries();
  const work = async (): Promise<void> => {
    for (const [at, item] of waiting) {
      const [result] = await Promise.allSettled([act(item)]);
      results[at] = result;
    }
  };
  await Promise.all(Array.from({ length: FEW }, work));
  return results;
}
