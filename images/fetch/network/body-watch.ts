/** Ends a body that sends nothing, or too slowly; a slow reader is not the source's fault. */
import { ImageError } from '../../../model/failures.ts';
import { counted } from '../../../model/grammar.ts';
import { duration } from './budgets.ts';
import type { BodyBudgets } from './budgets.ts';

/** Milliseconds between two looks, at most. */
const TICK = 1000;

export interface BodyWatch {
  readonly count: (bytes: number) => void;
  readonly stop: () => void;
}

/**
 * Calls `onDead` once: when nothing arrived in `idleMs`, or less than `minimumRate` × `minimumRateMs` bytes in
 * `minimumRateMs`. Time during which the reader holds the body back does not count.
 */
export function watchBody(
  budgets: BodyBudgets,
  reader: { readonly paused: boolean },
  onDead: (error: ImageError) => void,
): BodyWatch {
  const { idleMs, minimumRate, minimumRateMs } = budgets;
  const needed = (minimumRate * minimumRateMs) / 1000;
  const tick = Math.max(1, Math.min(TICK, idleMs, minimumRateMs));
  let [bytes, waited, silent] = [0, 0, 0];
  let came = false;
  const timer = setInterval(() => {
    if (reader.paused) return;
    waited += tick;
    silent = came ? 0 : silent + tick;
    came = false;
    const reason = silent >= idleMs ? idle() : waited >= minimumRateMs ? slow() : undefined;
    if (reason === undefined) return;
    clearInterval(timer);
    onDead(new ImageError('Stalled', reason));
  }, tick);
  timer.unref();

  const idle = (): string => `stopped sending: nothing came for ${duration(silent)} (idle limit)`;

  const slow = (): string | undefined => {
    const [got, time] = [bytes, waited];
    [bytes, waited] = [0, 0];
    return minimumRate > 0 && got < needed
      ? `sent only ${counted(got, 'byte')} in ${duration(time)} (minimum rate: ${minimumRate} bytes/s)`
      : undefined;
  };

  return {
    count(n) {
      bytes += n;
      came = true;
    },
    stop: () => clearInterval(timer),
  };
}
