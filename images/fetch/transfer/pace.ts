/**
 * How many connections a transfer should have. It begins with one. When the rate of all has been measured for a while, more
 * connections are tried: four times as many, or twice as many after a try that brought less. A try is a success if the
 * rate rises by a fair share of what the added connections could bring at best; then more are tried. Otherwise the target
 * goes back to what the gain was worth, and the next try waits, longer each time. Nothing is tried while this host
 * rather than the sources slows the transfer, or if the bytes that a try costs are too many for what is missing.
 */

export interface Look {
  /** Milliseconds on a clock that only goes forward. */
  readonly at: number;
  /** Bytes that have come over all connections. */
  readonly bytes: number;
  /** Connections that bring bytes. */
  readonly flowing: number;
  /** Connections that are open or being opened and bring none yet. */
  readonly opening: number;
  /** Whether the sources are what the download waits for, rather than this host. */
  readonly starved: boolean;
  /** Bytes that are still missing. Default Infinity: any try is worth its cost. */
  readonly left?: number;
}

export interface PaceOptions {
  /** Connections that may be open at once. */
  readonly maxConnections: number;
}

/** Milliseconds over which a rate is measured, once the number of connections has been the same for SETTLE_MS. */
const WINDOW_MS = 200;
const SETTLE_MS = 50;
/** Share of the best possible gain that makes a try a success. */
const FAIR_SHARE = 0.35;
/** Share above which the path is far from full: the next try multiplies the connections by BOLD, not by CAUTIOUS. */
const AMPLE_SHARE = 0.7;
const BOLD = 4;
const CAUTIOUS = 2;
/** Milliseconds until the next try after one that failed; doubled each time. */
const REST_MS = 10_000;
const MAX_REST_MS = 160_000;
/**
 * An added connection takes a part of the file from another one, and the bytes in flight on that one are lost: so many
 * milliseconds of its rate. A try may cost this share of what is missing.
 */
const IN_FLIGHT_MS = 100;
const MAX_LOST = 0.05;
/** Milliseconds for which a decision waits for connections that bring nothing yet. */
const PATIENCE_MS = 3000;

export class Pace {
  readonly #maxConnections: number;
  #target = 1;
  #boldness = BOLD;
  #rest = REST_MS;
  #notBefore = 0;
  #window: { readonly at: number; readonly bytes: number; readonly flowing: number } | undefined;
  #asked: number | undefined;
  #trial: { readonly from: number; readonly rate: number } | undefined;

  constructor({ maxConnections }: PaceOptions) {
    this.#maxConnections = Math.max(1, maxConnections);
  }

  /** How many connections are wanted. */
  get target(): number {
    return this.#target;
  }

  /** Takes a measurement, a few times a second. @returns how many connections are wanted now */
  look(look: Look): number {
    const { at, flowing, opening } = look;
    this.#asked = opening > 0 ? (this.#asked ?? at) : undefined;
    const waiting = this.#asked !== undefined && at - this.#asked < PATIENCE_MS;
    if (waiting || flowing === 0 || this.#window?.flowing !== flowing) {
      this.#window = { at: at + SETTLE_MS, bytes: look.bytes, flowing };
      return this.#target;
    }
    // Bytes are counted from the end of the settling time on.
    if (at <= this.#window.at) {
      this.#window = { ...this.#window, bytes: look.bytes };
      return this.#target;
    }
    if (at - this.#window.at >= WINDOW_MS) this.#decide(look, this.#rateOf(look, this.#window));
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
    const costOfOne = Math.max((rate / flowing) * IN_FLIGHT_MS, Number.MIN_VALUE);
    const affordable = Math.floor((left * MAX_LOST) / costOfOne);
    if (starved && settled && this.#target < this.#maxConnections && affordable > 0) {
      this.#trial = { from: flowing, rate };
      this.#target = Math.min(this.#maxConnections, flowing * this.#boldness, flowing + affordable);
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
    this.#boldness = share >= AMPLE_SHARE ? BOLD : CAUTIOUS;
    if (share >= FAIR_SHARE) {
      this.#rest = REST_MS;
      return;
    }
    const worth = Math.ceil(trial.from * Math.max(1, gain - 0.1));
    this.#target = Math.min(Math.max(trial.from, worth), flowing);
    this.#notBefore = at + this.#rest;
    this.#rest = Math.min(MAX_REST_MS, this.#rest * 2);
  }
}
