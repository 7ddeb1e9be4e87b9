/** How often somebody may do something: so many times in a window of time. One process counts for itself. */

export interface CallLimit {
  /** Times in a window; 0 for no limit. */
  readonly allowed: number;
  /** Counts one time. @returns milliseconds to wait when it is one too many, else 0 */
  take(who: string): number;
  /** Undoes a count. */
  giveBack(who: string): void;
  state(who: string): CallCount;
}

export interface CallCount {
  /** Times in this window. */
  readonly issued: number;
  /** Milliseconds until the next window begins. */
  readonly expireAfter: number;
}

interface Window {
  issued: number;
  readonly endsAt: number;
}

/** Above this number of entries those that are over are forgotten. */
const MANY = 10_000;

export function createCallLimit(
  allowed: number,
  windowMs: number,
  now: () => number = () => performance.now(),
): CallLimit {
  const windows = new Map<string, Window>();
  const current = (who: string): Window => {
    const known = windows.get(who);
    if (known !== undefined && known.endsAt > now()) return known;
    if (windows.size >= MANY) forgetEnded(windows, now());
    const fresh = { issued: 0, endsAt: now() + windowMs };
    windows.set(who, fresh);
    return fresh;
  };
  const left = ({ endsAt }: Window): number => Math.max(1, Math.ceil(endsAt - now()));
  return {
    allowed,
    take(who) {
      if (allowed === 0) return 0;
      const window = current(who);
      if (window.issued >= allowed) return left(window);
      window.issued += 1;
      return 0;
    },
    giveBack(who) {
      const window = current(who);
      window.issued = Math.max(0, window.issued - 1);
    },
    state(who) {
      const window = current(who);
      return { issued: window.issued, expireAfter: left(window) };
    },
  };
}

function forgetEnded(windows: Map<string, Window>, now: number): void {
  for (const [who, { endsAt }] of windows) if (endsAt <= now) windows.delete(who);
}
