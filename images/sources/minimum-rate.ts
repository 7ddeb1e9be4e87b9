/** A body that trickles is dead: told apart from a reader that does not keep up. */
import { ImageError } from '../../model/failures.ts';

const TICK = 1000;

export interface RateWatch {
  readonly count: (bytes: number) => void;
  readonly stop: () => void;
}

/**
 * Calls `onTooSlow` when less than `minimumRate` × `minimumRateMs` bytes arrived in as much time of waiting for them.
 * Time in which the reader is the one that holds things up does not count.
 */
export function watchRate(
  settings: { readonly minimumRate: number; readonly minimumRateMs: number },
  reader: { readonly paused: boolean },
  onTooSlow: (error: ImageError) => void,
): RateWatch {
  const { minimumRate, minimumRateMs } = settings;
  if (minimumRate <= 0) return { count: () => undefined, stop: () => undefined };
  const needed = (minimumRate * minimumRateMs) / 1000;
  const tick = Math.min(TICK, minimumRateMs);
  let bytes = 0;
  let waited = 0;
  const timer = setInterval(() => {
    if (!reader.paused) waited += tick;
    if (waited < minimumRateMs) return;
    if (bytes < needed) {
      const seconds = Math.round(waited / 1000);
      onTooSlow(new ImageError('Stalled', `sent only ${bytes} bytes in ${seconds} s`));
    }
    bytes = 0;
    waited = 0;
  }, tick);
  timer.unref();
  return {
    count(n) {
      bytes += n;
    },
    stop: () => clearInterval(timer),
  };
}
