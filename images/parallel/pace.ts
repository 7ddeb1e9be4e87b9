/**
 * How many connections a download is worth, decided from what they bring together. It begins with one; more are tried
 * as long as each try raises the sum by a fair share of what as many more could bring, and kept only as far as they did.
 */

export interface Look {
  /** Milliseconds on a clock that only goes forward. */
  readonly at: number;
  /** Bytes that came so far, over all connections. */
  readonly bytes: number;
  /** Connections that bring bytes. */
  readonly flowing: number;
  /** Connections that were asked for and bring none yet. */
  readonly opening: number;
  /** Whether the sources are what the download waits for, rather than this host. */
  readonly starved: boolean;
  /** Bytes that are still missing. Default as many as it takes for any try to be worth its cost. */
  readonly left?: number;
}

export interface PaceOptions {
  /** Connections that may be open at once. */
  readonly most: number;
}

/** Milliseconds over which a rate is measured, once the number of connections has stayed the same for SETTLE. */
const WINDOW = 200;
const SETTLE = 50;
/** Of what as many more connections could bring at best, the share that makes a try a success. */
const FAIR = 0.35;
/** The share above which the path is far from full, so that the next try may be bolder. */
const FULL = 0.7;
const BOLD = 4;
const CAUTIOUS = 2;
/** Milliseconds until more are tried again after a try that brought nothing; doubled each time. */
const REST = 10_000;
const LONGEST_REST = 160_000;
/**
 * What a connection more may cost: a part of the file is taken from another one, and what that one had under way is
 * lost. Milliseconds of its rate, and the share of what is missing that a try may cost in all.
 */
const UNDER_WAY = 100;
const MOST_LOST = 0.05;
/** Milliseconds that those who are asked may keep a decision waiting. */
const PATIENCE = 3000;

export class Pace {
  readonly #most: number;
  #target = 1;
  #boldness = BOLD;
  #rest = REST;
  #notBefore = 0;
  #window: { readonly at: number; readonly bytes: number; readonly flowing: number } | undefined;
  #asked: number | undefined;
  #trial: { readonly from: number; readonly rate: number } | undefined;

  constructor({ most }: PaceOptions) {
    this.#most = Math.max(1, most);
  }

  /** How many connections are wanted. */
  get target(): number {
    return this.#target;
  }

  /** Looks at what came, a few times a second. @returns how many connections are wanted now */
  look(look: Look): number {
    const { at, flowing, opening } = look;
    this.#asked = opening > 0 ? (this.#asked ?? at) : undefined;
    const waiting = this.#asked !== undefined && at - this.#asked < PATIENCE;
    if (waiting || flowing === 0 || this.#window?.flowing !== flowing) {
      this.#window = { at: at + SETTLE, bytes: look.bytes, flowing };
      return this.#target;
    }
    // Bytes count from the end of the settling time on.
    if (at <= this.#window.at) {
      this.#window = { ...this.#window, bytes: look.bytes };
      return this.#target;
    }
    if (at - this.#window.at >= WINDOW) this.#decide(look, this.#rateOf(look, this.#window));
    return this.#target;
  }

  #rateOf(look: Look, window: { readonly at: number; readonly bytes: number }): number {
    return (look.bytes - window.bytes) / Math.max(1, look.at - window.at);
  }

  #decide({ at, bytes, flowing, starved, left = Infinity }: Look, rate: number): void {
    if (this.#trial !== undefined && flowing > this.#trial.from) {
      this.#judge(this.#trial, flowing, rate, at);
    }
    this.#trial = undefined;
    const settled = flowing === this.#target && at >= this.#notBefore;
    const costOfOne = Math.max((rate / flowing) * UNDER_WAY, Number.MIN_VALUE);
    const affordable = Math.floor((left * MOST_LOST) / costOfOne);
    if (starved && settled && this.#target < this.#most && affordable > 0) {
      this.#trial = { from: flowing, rate };
      this.#target = Math.min(this.#most, flowing * this.#boldness, flowing + affordable);
    }
    this.#window = { at, bytes, flowing };
  }

  #judge(
    trial: { readonly from: number; readonly rate: number },
    flowing: number,
    rate: number,
    at: number,
  ): void {
    const gain = rate / Math.max(trial.rate, Number.MIN_VALUE);
    const share = (gain - 1) / (flowing / trial.from - 1);
    this.#boldness = share >= FULL ? BOLD : CAUTIOUS;
    if (share >= FAIR) {
      this.#rest = REST;
      return;
    }
    const worth = Math.ceil(trial.from * Math.max(1, gain - 0.1));
    this.#target = Math.min(Math.max(trial.from, worth), flowing);
    this.#notBefore = at + this.#rest;
    this.#rest = Math.min(LONGEST_REST, this.#rest * 2);
  }
}
