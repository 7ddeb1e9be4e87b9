/**
 * How long a probe waits for its URLs.
 *
 * Two times bound the whole probe: the budget (`budgetMs`), after which one good URL is enough, and the patience
 * (`patienceMs`), after which the probe ends in any case. Each URL passes through these states:
 * - in time: `eachMs` of the URL, or the budget, has not passed;
 * - slow: its time has passed. If another URL is good (and not all are required), or if there is no patience beyond the
 *   budget, the URL is given up. Otherwise the probe goes on waiting for it, since the only good URL may be slow, and
 *   `onSlow` lets the caller start another URL meanwhile;
 * - given up: its signal aborts with `OutOfTime`. A good URL gives up all slow ones (`good`).
 *
 * A URL whose turn comes after the budget still gets its `eachMs`, if the patience allows.
 *
 * Must never happen: a probe that outlives its patience; a good URL that is missed because silent ones used up the
 * budget while there was patience left.
 */
import { ImageError } from '../../model/failures.ts';
import { OutOfTime } from '../fetch/protocol.ts';

export interface PatienceOptions {
  /** Milliseconds after which one good URL is enough. */
  readonly budgetMs: number;
  /** Milliseconds for the whole probe. Default: the budget. */
  readonly patienceMs?: number | undefined;
  /** Whether all URLs must answer, so that one good URL is not enough. Default false. */
  readonly all?: boolean | undefined;
}

/** With less time than this, a request is not started. */
const MIN_MS = 50;

export class Patience {
  readonly #all: boolean;
  readonly #budgetEnds: number;
  readonly #ends: number;
  readonly #slow = new Set<() => void>();
  #isGood = false;

  constructor({ budgetMs, patienceMs = budgetMs, all = false }: PatienceOptions) {
    const now = performance.now();
    this.#all = all;
    this.#budgetEnds = now + budgetMs;
    this.#ends = now + Math.max(budgetMs, patienceMs);
  }

  /** Call when a URL is good: slow URLs are given up, unless all must answer. */
  good(): void {
    this.#isGood = true;
    if (this.#all) return;
    for (const giveUp of this.#slow) giveUp();
  }

  /**
   * Runs the work of one URL, with a signal that aborts when the URL is given up.
   * @param eachMs milliseconds for this URL, within the budget
   * @param onSlow called when that time is over and the probe goes on waiting for the URL
   * @returns the result of the work, or its failure as a value; never throws
   */
  async within<T>(
    eachMs: number,
    work: (signal: AbortSignal) => Promise<T>,
    onSlow: () => void = () => undefined,
  ): Promise<T | ImageError> {
    const began = performance.now();
    const isPatient = this.#ends > this.#budgetEnds;
    const inBudget = Math.min(eachMs, this.#budgetEnds - began);
    // A URL whose turn comes after the budget gets its time nevertheless.
    const ms = isPatient && inBudget < MIN_MS ? Math.min(eachMs, this.#ends - began) : inBudget;
    if (ms < MIN_MS) return new ImageError('Stalled', 'was not asked: others took all the time');
    const late = new AbortController();
    const giveUp = (): void => late.abort(new OutOfTime(performance.now() - began));
    let timer = setTimeout(() => {
      if (!isPatient || (this.#isGood && !this.#all)) return giveUp();
      this.#slow.add(giveUp);
      timer = setTimeout(giveUp, this.#ends - performance.now());
      onSlow();
    }, ms);
    try {
      return await work(late.signal);
    } catch (error) {
      return error instanceof ImageError ? error : new ImageError('ProtocolError', (error as Error).message);
    } finally {
      clearTimeout(timer);
      this.#slow.delete(giveUp);
    }
  }
}
