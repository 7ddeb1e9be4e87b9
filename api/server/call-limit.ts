/** Limits calls per key to a number in a window of time. Each process counts for itself. */

export interface CallLimit {
  /** Calls allowed in a window; 0 for no limit. */
  readonly allowed: number;
  /** Counts one call. @returns milliseconds until the next window when this call exceeds the limit, else 0 */
  take(key: string): number;
  /** Takes back one counted call. */
  giveBack(key: string): void;
  state(key: string): CallCount;
}

export interface CallCount {
  /** Calls counted in this window. */
  readonly issued: number;
  /** Milliseconds until the next window begins. */
  readonly expireAfter: number;
}

interface Window {
  issued: number;
  readonly endsAt: number;
}

/** Windows kept at a time. Above it, windows that have ended are dropped; if none has, the oldest is. */
const MAX_ENTRIES = 10_000;

export function createCallLimit(
  allowed: number,
  windowMs: number,
  now: () => number = () => performance.now(),
): CallLimit {
  const windows = new Map<string, Window>();
  const current = (key: string): Window => {
    const known = windows.get(key);
    if (known !== undefined && known.endsAt > now()) return known;
    if (windows.size >= MAX_ENTRIES) forgetEnded(windows, now());
    const fresh = { issued: 0, endsAt: now() + windowMs };
    windows.set(key, fresh);
    return fresh;
  };
  const left = ({ endsAt }: Window): number => Math.max(1, Math.ceil(endsAt - now()));
  return {
    allowed,
    take(key) {
      if (allowed === 0) return 0;
      const window = current(key);
      if (window.issued >= allowed) return left(window);
      window.issued += 1;
      return 0;
    },
    giveBack(key) {
      const window = current(key);
      window.issued = Math.max(0, window.issued - 1);
      if (window.issued === 0) windows.delete(key);
    },
    state(key) {
      const window = current(key);
      return { issued: window.issued, expireAfter: left(window) };
    },
  };
}

function forgetEnded(windows: Map<string, Window>, now: number): void {
  for (const [key, { endsAt }] of windows) if (endsAt <= now) windows.delete(key);
  const [oldest] = windows.keys();
  if (windows.size >= MAX_ENTRIES && oldest !== undefined) windows.delete(oldest);
}
