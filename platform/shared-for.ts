/** Lets calls share one result for a while, where anybody may call and each call costs. */

/** Calls `read` at most once in so many milliseconds; calls in between share its result. */
export function sharedFor<T>(ms: number, read: () => Promise<T>): () => Promise<T> {
  let latest: { readonly at: number; readonly result: Promise<T> } | undefined;
  return () => {
    if (latest === undefined || performance.now() - latest.at > ms) {
      latest = { at: performance.now(), result: read() };
    }
    return latest.result;
  };
}
