/**
 * Limits the probes that a host runs at once; accounts take turns, so that silent sources of one account delay no other
 * account. Only probes wait here: the host takes every short job at once, so that no removal or certificate waits behind
 * a probe.
 */
import { createFairQueue } from '../../model/fair-queue.ts';
import { ImageError } from '../../model/failures.ts';

export interface ProbeTurnOptions {
  /** Probes at once. */
  readonly slots: number;
  /** Of those, probes of one account. */
  readonly slotsPerOwner: number;
}

interface ProbeTurn {
  /** Account of the template. */
  readonly owner: string;
  /** As in `ProbeJob`. */
  readonly budgetMs: number;
  readonly patienceMs?: number;
  readonly signal: AbortSignal;
}

/** The times of a job, less the time that it waited. */
type RemainingTimes = Pick<ProbeTurn, 'budgetMs' | 'patienceMs'>;

const DEFAULTS: ProbeTurnOptions = { slots: 32, slotsPerOwner: 8 };
/** A probe with less time left is not started. */
const MIN_PROBE_MS = 1000;

export function createProbeTurns(options: ProbeTurnOptions = DEFAULTS) {
  const queue = createFairQueue(options);
  return {
    /** @throws ImageError HostFault when no turn came in time */
    async take<T>(turn: ProbeTurn, work: (remaining: RemainingTimes) => Promise<T>): Promise<T> {
      const { owner, budgetMs, patienceMs, signal } = turn;
      const enteredAt = performance.now();
      const late = AbortSignal.timeout(Math.max(0, (patienceMs ?? budgetMs) - MIN_PROBE_MS));
      const end = await queue.enter(owner, AbortSignal.any([signal, late])).catch((error: unknown) => {
        signal.throwIfAborted();
        throw late.aborted
          ? new ImageError('HostFault', 'the host looks at too many URLs already', { cause: error })
          : error;
      });
      try {
        const waited = performance.now() - enteredAt;
        const left = (ms: number): number => Math.max(1, ms - waited);
        return await work({
          budgetMs: left(budgetMs),
          ...(patienceMs === undefined ? {} : { patienceMs: left(patienceMs) }),
        });
      } finally {
        end();
      }
    },
  };
}
