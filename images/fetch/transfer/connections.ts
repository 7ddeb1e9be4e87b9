/** The open connections of a transfer: how fast they are, and which one is too slow. */
import type { Connection } from './connection.ts';
import { Gauge } from './gauge.ts';
import type { Look } from './pace.ts';
import type { Segment } from './segments.ts';

/** A connection lags if the usual one is so many times as fast and it would take so many seconds more. */
const [LAGGING, LAGGING_SECONDS] = [4, 5];
/** Seconds that a connection has to show its rate. */
const TRIED_SECONDS = 2;

export class Connections implements Iterable<Connection> {
  readonly #open = new Set<Connection>();
  readonly #gauge = new Gauge();

  get size(): number {
    return this.#open.size;
  }

  /** Bytes per second of a connection that brings some. */
  get usualRate(): number {
    return this.#gauge.usualRate;
  }

  [Symbol.iterator](): Iterator<Connection> {
    return this.#open.values();
  }

  add(connection: Connection): void {
    this.#open.add(connection);
  }

  /** The connection has ended. */
  delete(connection: Connection): void {
    this.#gauge.over(connection);
    this.#open.delete(connection);
  }

  /** Looks at what came since the last look. */
  look(): Look {
    return this.#gauge.look([...this.#open]);
  }

  /** Bytes that are lost if the connection of a segment is closed before its answer ends, at a guess. */
  underWay(segment: Segment): number {
    return this.#of(segment)?.underWay(this.usualRate) ?? 0;
  }

  /** Seconds in which a segment is expected to be complete. */
  secondsLeft(segment: Segment): number {
    return this.#of(segment)?.secondsLeft(this.usualRate) ?? 0;
  }

  /** A connection that others would replace with profit. */
  laggard(): Connection | undefined {
    return [...this.#open].find(
      (connection) =>
        connection.rate * LAGGING < this.usualRate &&
        connection.secondsLeft(this.usualRate) > LAGGING_SECONDS &&
        performance.now() - connection.openedAt > TRIED_SECONDS * 1000,
    );
  }

  #of(segment: Segment): Connection | undefined {
    return [...this.#open].find((one) => one.segment === segment);
  }
}
