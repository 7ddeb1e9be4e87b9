/** A limit of bytes per second that all downloads of a host share. */

export interface RateLimit {
  /** Waits until so many bytes may pass. @throws the signal's reason when aborted */
  take(bytes: number, signal: AbortSignal): Promise<void>;
  /** Bytes per second from now on; 0 for no limit. */
  setRate(bytesPerSecond: number): void;
}

/** Milliseconds of one timer, which takes no more than 24 days. */
const MAX_SLEEP_MS = 3_600_000;

interface Waiting {
  readonly bytes: number;
  pass(): void;
}

/** A token bucket that may go into debt: a caller pays at once, and the next ones wait, in order, until the debt is paid. */
export function createRateLimit(bytesPerSecond = 0): RateLimit {
  let rate = bytesPerSecond;
  let tokens = 0;
  let filledAt = performance.now();
  let timer: NodeJS.Timeout | undefined;
  const queue: Waiting[] = [];

  const refill = (): void => {
    const now = performance.now();
    tokens = Math.min(rate, tokens + (rate * (now - filledAt)) / 1000);
    filledAt = now;
  };
  const mayPass = (): boolean => rate <= 0 || tokens >= 0;
  const letPass = (): void => {
    clearTimeout(timer);
    refill();
    while (queue.length > 0 && mayPass()) {
      const next = queue.shift();
      tokens -= next?.bytes ?? 0;
      next?.pass();
    }
    if (queue.length > 0)
      timer = setTimeout(letPass, Math.min(MAX_SLEEP_MS, Math.ceil((-tokens / rate) * 1000)));
  };

  return {
    take(bytes, signal) {
      if (rate <= 0) return Promise.resolve();
      return new Promise((resolve, reject) => {
        signal.throwIfAborted();
        const onAbort = (): void => {
          queue.splice(queue.indexOf(waiting), 1);
          reject(signal.reason as Error);
          letPass();
        };
        const waiting: Waiting = {
          bytes,
          pass() {
            signal.removeEventListener('abort', onAbort);
            resolve();
          },
        };
        signal.addEventListener('abort', onAbort, { once: true });
        queue.push(waiting);
        letPass();
      });
    },
    setRate(next) {
      refill();
      rate = next;
      tokens = Math.min(0, tokens);
      letPass();
    },
  };
}
