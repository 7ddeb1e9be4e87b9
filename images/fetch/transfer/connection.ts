/**
 * One connection that brings the bytes of a segment. It reads a batch from its source, waits for the rate limit and for
 * room in the sink, and writes it; the next batch is read meanwhile. When its segment is complete and its answer goes on,
 * it takes the free bytes that follow (segments.ts).
 */
import { ImageError } from '../../../model/failures.ts';
import type { RateLimit } from '../rate-limit.ts';
import type { Sink } from '../sink.ts';
import type { FetchTask } from '../task.ts';
import { FULL } from '../network/chunk-queue.ts';
import type { OpenedSource } from '../protocol.ts';
import type { MirrorState } from './mirror-state.ts';
import type { Segment, Segments } from './segments.ts';
import { sentBytes } from '../../holes.ts';
import type { Span } from '../../spans.ts';

export interface ConnectionOptions {
  /** Aborts the connection, before its source is open too. */
  readonly aborter: AbortController;
  readonly state: MirrorState;
  readonly segment: Segment;
  readonly segments: Segments;
  readonly sink: Sink;
  readonly rateLimit: RateLimit;
  readonly head: FetchTask['head'];
  /** Bytes of the file; 0 when unknown. */
  readonly total: number;
  /** Called with bytes that are about to be written, and how many of them came over the line. */
  readonly onBytes: (span: Span, sent: number) => void;
  readonly useless: (span: Span) => boolean;
}

/** Weight of the latest look in the average of the rate. */
const LATEST_WEIGHT = 0.3;
/** Bytes in flight on a connection, in seconds of its best rate: a guess. */
const UNDER_WAY_SECONDS = 0.2;
/** Bytes that Linux buffers for a connection that is not read: 6 MiB at the receiver, 4 MiB at the sender (tcp(7)). */
const KERNEL_BUFFERS = 10 * 1_048_576;

export class Connection {
  readonly state: MirrorState;
  readonly segment: Segment;
  readonly openedAt = performance.now();
  readonly #options: ConnectionOptions;
  #source: OpenedSource | undefined;
  #writing: Promise<void> = Promise.resolve();
  #waitingSince: number | undefined;
  #waited = 0;
  #seen = 0;
  /** Bytes per second: an average in which the latest looks weigh most. */
  rate = 0;
  #bestRate = 0;
  /** Whether bytes once came faster than they were read: then the kernel's buffers may be full. */
  #overflowed = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.state = options.state;
    this.segment = options.segment;
  }

  get signal(): AbortSignal {
    return this.#options.aborter.signal;
  }

  /** Bytes that came, whether read or not. */
  get arrived(): number {
    return this.#source?.arrived() ?? 0;
  }

  get flowing(): boolean {
    return this.arrived > 0;
  }

  /** Seconds until the segment is expected to be complete. @param usual bytes per second of a connection that flows */
  secondsLeft(usual: number): number {
    const rate = this.flowing ? this.rate : usual;
    return (this.segment.end - this.segment.position) / Math.max(rate, 1);
  }

  /** Bytes that are lost if the connection is closed before its answer ends: a guess. @param usual as above */
  underWay(usual: number): number {
    return Math.max(
      Math.max(this.#bestRate, usual) * UNDER_WAY_SECONDS,
      this.#overflowed ? KERNEL_BUFFERS : 0,
    );
  }

  /**
   * Measures what came.
   * @param elapsed milliseconds since the look before
   * @returns how many of them were spent waiting for the source
   */
  look(now: number, elapsed: number): number {
    const latest = ((this.arrived - this.#seen) * 1000) / Math.max(elapsed, 1);
    this.rate = this.rate === 0 ? latest : this.rate * (1 - LATEST_WEIGHT) + latest * LATEST_WEIGHT;
    this.#bestRate = Math.max(this.#bestRate, this.rate);
    this.#seen = this.arrived;
    const waited = this.#waited + (this.#waitingSince === undefined ? 0 : now - this.#waitingSince);
    this.#waited = 0;
    if (this.#waitingSince !== undefined) this.#waitingSince = now;
    return waited;
  }

  /** Closes the connection. Bytes of its segment that did not come are free again. */
  stop(reason: Error): void {
    this.#options.aborter.abort(reason);
  }

  /**
   * Writes the bytes of the segment, and free bytes after it as far as the answer has them. However it ends, all bytes
   * that were read are written afterwards.
   * @param responseEnd the position after the last byte that the source is going to send
   */
  async receive(source: OpenedSource, responseEnd: number): Promise<void> {
    this.#source = source;
    try {
      await this.#read(source, responseEnd);
    } finally {
      source.close();
      await this.#writing;
    }
  }

  async #read(source: OpenedSource, responseEnd: number): Promise<void> {
    const { segment, total } = this.#options;
    let head: Buffer | undefined = segment.first === 0 ? Buffer.alloc(0) : undefined;
    this.#waitingSince = performance.now();
    for await (const batch of source.body) {
      this.#waited += performance.now() - (this.#waitingSince ?? performance.now());
      this.#waitingSince = undefined;
      this.#overflowed ||= lengthOf(batch) >= FULL;
      this.signal.throwIfAborted();
      // A copy, since the chunks are given back to the source once they are written.
      if (head !== undefined) head = Buffer.concat([head, ...batch]);
      if (await this.#accept(batch, responseEnd)) return;
      if (head !== undefined) head = this.#inspect(head);
      this.#waitingSince = performance.now();
    }
    this.signal.throwIfAborted();
    if (total > 0 && segment.position < segment.end) {
      throw new ImageError('ConnectionLost', 'ended before the end of the file', { url: source.finalUrl });
    }
  }

  /** @returns whether the connection is done */
  async #accept(batch: readonly Buffer[], responseEnd: number): Promise<boolean> {
    const { sink, rateLimit, segment, segments, total, useless } = this.#options;
    await rateLimit.take(sentBytes(batch), this.signal);
    for (let rest = batch; rest.length > 0;) {
      await this.#writing;
      do await sink.room(lengthOf(rest));
      while (!sink.hasRoom(lengthOf(rest)));
      // Nothing is awaited from here on, so that nobody shortens the segment meanwhile.
      const [chunks, later] = cut(rest, segment.end - segment.position);
      this.#write(chunks);
      if (segment.position < segment.end) return false;
      if (later.length > 0 && segment.end >= Math.min(responseEnd, total)) throw this.#tooLong();
      // An answer that gives no length must end where the file does: the next batch shows it.
      if (segment.end === total && responseEnd > total) return false;
      if (!segments.extend(segment, responseEnd, useless)) return true;
      rest = later;
    }
    return false;
  }

  #write(chunks: readonly Buffer[]): void {
    const { sink, segment, segments, onBytes } = this.#options;
    if (chunks.length === 0) return;
    const first = segment.position;
    segments.advance(segment, lengthOf(chunks));
    onBytes({ first, end: segment.position }, sentBytes(chunks));
    this.#writing = sink.write(chunks, first).then(() => this.#source?.giveBack(chunks));
    this.#writing.catch(() => undefined);
  }

  #tooLong(): ImageError {
    return new ImageError('SizeMismatch', `sends more than the ${this.#options.total} bytes of the file`);
  }

  /** A wrong file is refused here, not after 40 GB of it. @returns the head while it is too short to tell */
  #inspect(head: Buffer): Buffer | undefined {
    const { total, head: wanted } = this.#options;
    if (head.length < wanted.length) return head;
    wanted.check(head.subarray(0, wanted.length), total);
    return undefined;
  }
}

const lengthOf = (chunks: readonly Buffer[]): number => chunks.reduce((sum, { length }) => sum + length, 0);

/** The first `room` bytes, and the rest. */
function cut(chunks: readonly Buffer[], room: number): readonly [readonly Buffer[], readonly Buffer[]] {
  if (lengthOf(chunks) <= room) return [chunks, []];
  const [now, later]: [Buffer[], Buffer[]] = [[], []];
  let left = room;
  for (const chunk of chunks) {
    if (left > 0) now.push(chunk.subarray(0, left));
    if (chunk.length > left) later.push(chunk.subarray(Math.max(0, left)));
    left -= chunk.length;
  }
  return [now, later];
}
