/** Waits for a condition, never for a time. */

/** Milliseconds between two looks, at first and at most. */
const FIRST_POLL_MS = 50;
const LAST_POLL_MS = 500;
/** The pause grows by this part of the time that was waited: a look often costs a call of the API, or starts a process. */
const GROWTH = 0.1;

/**
 * Polls until `look` gives a value that is neither undefined nor false.
 * @param what the condition, for the error message
 * @param ms milliseconds until failure; default 60 000
 */
export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
  ms = 60_000,
): Promise<Exclude<T, undefined | false>> {
  const start = performance.now();
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found as Exclude<T, undefined | false>;
    const waited = performance.now() - start;
    if (waited > ms) throw new Error(`waited ${ms / 1000} s in vain: ${what}`);
    const pause = Math.min(LAST_POLL_MS, Math.max(FIRST_POLL_MS, waited * GROWTH));
    await new Promise((resolve) => void setTimeout(resolve, pause));
  }
}
