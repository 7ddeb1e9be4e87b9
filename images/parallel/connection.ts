/** One connection that brings the bytes of a segment. */
import { ImageError } from '../../model/failures.ts';
import type { TemplateFormat } from '../../model/states.ts';
import { compressionOf } from '../decompression/compression.ts';
import { HEAD_LENGTH } from '../inspection/format.ts';
import { inspectHead } from '../inspection/inspect.ts';
import type { InspectionLimits } from '../inspection/limits.ts';
import type { Intake } from '../intake.ts';
import type { RateLimit } from '../rate-limit.ts';
import { FULL } from '../sources/chunk-queue.ts';
import type { OpenedSource } from '../sources/source.ts';
import type { MirrorState } from './mirror-state.ts';
import type { Segment, Segments } from './segments.ts';
import type { Span } from './spans.ts';

export interface ConnectionOptions {
  /** Ends it, whether its source is open or not. */
  readonly aborter: AbortController;
  readonly state: MirrorState;
  readonly segment: Segment;
  readonly segments: Segments;
  readonly intake: Intake;
  readonly rateLimit: RateLimit;
  readonly format: TemplateFormat;
  readonly limits: InspectionLimits | undefined;
  /** Bytes of the file; 0 when unknown. */
  readonly total: number;
  /** Of bytes that are on their way to the disk. */
  readonly onBytes: (span: Span) => void;
  readonly useless: (span: Span) => boolean;
}

/** Of a rate, how much the latest look counts. */
const LATEST = 0.3;
/** What is under way in a connection: seconds of its best rate, at a guess. */
const UNDER_WAY_SECONDS = 0.2;
/** Bytes that Linux keeps for one connection while nobody reads them: 6 MiB where they come to, 4 MiB where from (tcp(7)). */
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
  /** Bytes per second, lately. */
  rate = 0;
  #bestRate = 0;
  /** Whether more came once than was read: then as much as may be lay in the kernel's buffers. */
  #overflowed = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.state = options.state;
    this.segment = options.segment;
  }

  get signal(): AbortSignal {
    return this.#options.aborter.signal;
  }

  /** Bytes that came, read or not. */
  get arrived(): number {
    return this.#source?.arrived() ?? 0;
  }

  get flowing(): boolean {
    return this.arrived > 0;
  }

  /** Seconds in which it is expected to be done. @param usual bytes per second of those that bring some */
  secondsLeft(usual: number): number {
    const rate = this.flowing ? this.rate : usual;
    return (this.segment.end - this.segment.position) / Math.max(rate, 1);
  }

  /** Bytes that are lost if it is left before its answer ends, at a guess. @param usual as above */
  underWay(usual: number): number {
    return Math.max(
      Math.max(this.#bestRate, usual) * UNDER_WAY_SECONDS,
      this.#overflowed ? KERNEL_BUFFERS : 0,
    );
  }

  /** Looks at what came in so many milliseconds. @returns how many of them were spent waiting for the source */
  look(now: number, elapsed: number): number {
    const latest = ((this.arrived - this.#seen) * 1000) / Math.max(elapsed, 1);
    this.rate = this.rate === 0 ? latest : this.rate * (1 - LATEST) + latest * LATEST;
    this.#bestRate = Math.max(this.#bestRate, this.rate);
    this.#seen = this.arrived;
    const waited = this.#waited + (this.#waitingSince === undefined ? 0 : now - this.#waitingSince);
    this.#waited = 0;
    if (this.#waitingSince !== undefined) this.#waitingSince = now;
    return waited;
  }

  /** Ends it; what did not come of its segment is left to others. */
  stop(reason: Error): void {
    this.#options.aborter.abort(reason);
  }

  /**
   * Brings the bytes from the segment's beginning on, and as many more as are free behind it and come anyway.
   * All that it brought is on disk afterwards, whatever ended it.
   * @param responseEnd the byte behind the last one that the source is going to send
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
      // A copy: what is written is given back.
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

  /** @returns whether no more is wanted of this connection */
  async #accept(batch: readonly Buffer[], responseEnd: number): Promise<boolean> {
    const { intake, rateLimit, segment, segments, total, useless } = this.#options;
    await rateLimit.take(lengthOf(batch), this.signal);
    for (let rest = batch; rest.length > 0;) {
      await this.#writing;
      do await intake.ready(lengthOf(rest));
      while (!intake.takes(lengthOf(rest)));
      // From here on nothing waits, so that the segment stays as it is.
      const [chunks, later] = cut(rest, segment.end - segment.position);
      this.#write(chunks);
      if (segment.position < segment.end) return false;
      if (later.length > 0 && segment.end >= Math.min(responseEnd, total)) throw this.#tooLong();
      // Without a length of its own, an answer must end where the file does.
      if (segment.end === total && responseEnd > total) return false;
      if (!segments.extend(segment, responseEnd, useless)) return true;
      rest = later;
    }
    return false;
  }

  #write(chunks: readonly Buffer[]): void {
    const { intake, segment, segments, onBytes } = this.#options;
    if (chunks.length === 0) return;
    const first = segment.position;
    segments.advance(segment, lengthOf(chunks));
    onBytes({ first, end: segment.position });
    this.#writing = intake.write(chunks, first).then(() => this.#source?.giveBack(chunks));
    this.#writing.catch(() => undefined);
  }

  #tooLong(): ImageError {
    return new ImageError('SizeMismatch', `sends more than the ${this.#options.total} bytes of the file`);
  }

  /** A login page or a foreign format is refused here, not after 40 GB of it. What is packed is looked at unpacked. */
  #inspect(head: Buffer): Buffer | undefined {
    const { total, format, limits } = this.#options;
    if (head.length < HEAD_LENGTH) return head;
    const first = head.subarray(0, HEAD_LENGTH);
    if (compressionOf(first) === undefined)
      inspectHead(first, total || Number.MAX_SAFE_INTEGER, format, limits);
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
