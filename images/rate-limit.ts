/** A limit of bytes per second that all downloads of a host share. */

export interface RateLimit {
  /** Waits until so many bytes may pass. @throws the signal's reason when aborted */
  take(bytes: number, signal: AbortSignal): Promise<void>;
  /** Bytes per second from now on; 0 for no limit. */
  setRate(bytesPerSecond: number): void;
}

/** How often a waiting download looks whether the limit was changed, in milliseconds. */
const LOOK = 500;

/** A token bucket that may go into debt: who comes first pays at once, who comes next waits for it. */
export function createRateLimit(bytesPerSecond = 0): RateLimit {
  let rate = bytesPerSecond;
  let tokens = 0;
  let filledAt = performance.now();
  const refill = (): void => {
    const now = performance.now();
    tokens = Math.min(rate, tokens + (rate * (now - filledAt)) / 1000);
    filledAt = now;
  };
  return {
    async take(bytes, signal) {
      for (;;) {
        if (rate <= 0) return;
        signal.throwIfAborted();
        refill();
        if (tokens >= 0) {
          tokens -= bytes;
          return;
        }
        await sleep(Math.min(LOOK, Math.ceil((-tokens / rate) * 1000)), signal);
      }
    },
    setRate(next) {
      refill();
      rate = next;
      tokens = Math.min(0, tokens);
    },
  };
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
