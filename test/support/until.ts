/** Waiting for a condition, never for a time. */

const LOOK_EVERY = 50;

/**
 * Resolves with the first value that is neither undefined nor false.
 * @param ms after which it fails, naming what was waited for
 */
export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
  ms = 60_000,
): Promise<Exclude<T, undefined | false>> {
  const end = performance.now() + ms;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found as Exclude<T, undefined | false>;
    if (performance.now() > end) throw new Error(`waited ${ms / 1000} s in vain: ${what}`);
    await new Promise((resolve) => void setTimeout(resolve, LOOK_EVERY));
  }
}
