/** Measures what comes over the connections of a transfer, a few times a second. */
import type { Connection } from './connection.ts';
import type { Look } from './pace.ts';

/** A transfer that waits for its sources for more than this share of the time is slowed by them, not by this host. */
const STARVED_SHARE = 0.5;
/** An event loop that is busy for more than this share of the time is what slows the transfer. */
const BUSY_SHARE = 0.85;
/** Weight of the latest look in the average. */
const LATEST_WEIGHT = 0.3;
/** Milliseconds in which the rate of a connection that is left alone becomes the usual rate. */
const FORGETTING_MS = 10_000;

export class Gauge {
  /** Bytes that came over connections that have ended. */
  #arrived = 0;
  #at = performance.now();
  #loop = performance.eventLoopUtilization();
  #starved = 0;
  #usualRate = 0;

  /**
   * Bytes per second of a connection that flows: the mean of all. When one is left, its own rate counts only slowly, so
   * that it can be seen to lag behind those that have ended.
   */
  get usualRate(): number {
    return this.#usualRate;
  }

  /** A connection has ended; its bytes still count. */
  over({ arrived }: Connection): void {
    this.#arrived += arrived;
  }

  look(connections: readonly Connection[]): Look {
    const at = performance.now();
    const elapsed = at - this.#at;
    const waited = connections.reduce((sum, connection) => sum + connection.look(at, elapsed), 0);
    const loop = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(loop, this.#loop);
    const waits = utilization < BUSY_SHARE ? waited / (elapsed * Math.max(1, connections.length)) : 0;
    this.#starved = this.#starved * (1 - LATEST_WEIGHT) + waits * LATEST_WEIGHT;
    [this.#at, this.#loop] = [at, loop];
    const flowing = connections.filter((connection) => connection.flowing);
    this.#judge(
      flowing.map(({ rate }) => rate),
      elapsed,
    );
    return {
      at,
      bytes: this.#arrived + connections.reduce((sum, { arrived }) => sum + arrived, 0),
      flowing: flowing.length,
      opening: connections.length - flowing.length,
      starved: this.#starved > STARVED_SHARE,
    };
  }

  #judge(rates: readonly number[], elapsed: number): void {
    const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
    if (rates.length === 0) return;
    if (rates.length > 1 || this.#usualRate === 0 || mean > this.#usualRate) this.#usualRate = mean;
    else this.#usualRate += (mean - this.#usualRate) * Math.min(1, elapsed / FORGETTING_MS);
  }
}
