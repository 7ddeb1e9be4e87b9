/** What comes over the connections of a transfer, looked at a few times a second. */
import type { Connection } from './connection.ts';
import type { Look } from './pace.ts';

/** Of the time, the share in which a host that is not itself the slowest waits for its sources. */
const STARVED = 0.5;
/** Of the time, the share that the event loop may be busy. */
const BUSY = 0.85;
/** Of the last looks, how much the latest counts. */
const LATEST = 0.3;
/** Milliseconds after which a connection that is left alone is what is usual. */
const FORGOTTEN = 10_000;

export class Gauge {
  /** Bytes of connections that are over. */
  #arrived = 0;
  #at = performance.now();
  #loop = performance.eventLoopUtilization();
  #starved = 0;
  #usualRate = 0;

  /** Bytes per second of a connection that brings some; what is left alone is measured by those that were there. */
  get usualRate(): number {
    return this.#usualRate;
  }

  /** A connection is over; what it brought counts on. */
  over({ arrived }: Connection): void {
    this.#arrived += arrived;
  }

  look(connections: readonly Connection[]): Look {
    const at = performance.now();
    const elapsed = at - this.#at;
    const waited = connections.reduce((sum, connection) => sum + connection.look(at, elapsed), 0);
    const loop = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(loop, this.#loop);
    const waits = utilization < BUSY ? waited / (elapsed * Math.max(1, connections.length)) : 0;
    this.#starved = this.#starved * (1 - LATEST) + waits * LATEST;
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
      starved: this.#starved > STARVED,
    };
  }

  #judge(rates: readonly number[], elapsed: number): void {
    const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
    if (rates.length === 0) return;
    if (rates.length > 1 || this.#usualRate === 0 || mean > this.#usualRate) this.#usualRate = mean;
    else this.#usualRate += (mean - this.#usualRate) * Math.min(1, elapsed / FORGOTTEN);
  }
}
