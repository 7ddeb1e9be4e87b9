/**
 * Which bytes of a file each connection brings. Every byte that is missing is either free or in exactly one segment, and
 * each segment belongs to one connection. The first free bytes are given away first, so that digests and unpacking, which
 * read the file from its beginning, can follow. When none are free, the segment that would take longest is split.
 */
import { addSpan, bytesIn, gapsIn, lengthOf } from '../../spans.ts';
import type { Span, Spans } from '../../spans.ts';

/** What one connection brings: `position` moves towards `end`, and a split moves `end` back. */
export interface Segment {
  readonly first: number;
  readonly position: number;
  readonly end: number;
}

interface Given {
  readonly first: number;
  position: number;
  end: number;
}

export interface Wish {
  /** Bytes to give, at most. */
  readonly maxBytes: number;
  /** Seconds in which a segment is expected to end; what takes longest is split first. */
  readonly secondsLeft: (segment: Segment) => number;
  /**
   * Whether a segment may be split for the first time, which costs the bytes that its connection has in flight beyond the
   * new end. Default: yes.
   */
  readonly affords?: ((segment: Segment) => boolean) | undefined;
  /** Called with each segment that is split for the first time. */
  readonly onSplit?: ((segment: Segment) => void) | undefined;
  /** Whether free bytes are of no use to the connection. */
  readonly useless?: ((span: Span) => boolean) | undefined;
}

export interface SegmentsOptions {
  /** Bytes of the file; Infinity when unknown: then nothing is ever split. */
  readonly total: number;
  /** Bytes that are held already. */
  readonly held: Spans;
  /** Segments begin and end at multiples of this; default 1. */
  readonly align?: number;
  /** Bytes that are worth a connection, at least; default 1 MiB. */
  readonly minBytes?: number;
}

const MIN_BYTES = 1_048_576;
/** A segment that will be complete in less than this is not split. */
const MIN_SECONDS = 0.5;

export class Segments {
  readonly #total: number;
  readonly #align: number;
  readonly #minBytes: number;
  readonly #given = new Set<Given>();
  /** Segments that were split: their connections requested bytes beyond their ends. */
  readonly #shortened = new WeakSet<Given>();
  #free: Spans;

  constructor({ total, held, align = 1, minBytes = MIN_BYTES }: SegmentsOptions) {
    this.#total = total;
    this.#align = align;
    this.#minBytes = Math.max(minBytes, align);
    this.#free = Number.isFinite(total) ? gapsIn(held, total) : [{ first: 0, end: total }];
  }

  /** Whether all bytes have come. */
  get complete(): boolean {
    return this.#free.length === 0 && this.#given.size === 0;
  }

  get free(): Spans {
    return this.#free;
  }

  get given(): Iterable<Segment> {
    return this.#given;
  }

  /** Bytes that have not come yet. */
  get missing(): number {
    let given = 0;
    for (const { position, end } of this.#given) given += end - position;
    return bytesIn(this.#free) + given;
  }

  /** Gives away free bytes, or a part of the segment that would take longest; undefined when none is worth it. */
  take(wish: Wish): Segment | undefined {
    const span = this.#usable(wish);
    if (span !== undefined) return this.#give(span, wish.maxBytes);
    return this.#split(wish) ? this.take(wish) : undefined;
  }

  /** `count` more bytes of the segment have come. */
  advance(segment: Segment, count: number): void {
    const given = this.#of(segment);
    if (count < 0 || given.position + count > given.end) throw new RangeError('bytes beyond a segment');
    given.position += count;
  }

  /**
   * Adds the free bytes right after a segment to it, up to `end`: the answer to its connection has them anyway.
   * @returns whether there were any
   */
  extend(segment: Segment, end: number, useless: (span: Span) => boolean = () => false): boolean {
    const given = this.#of(segment);
    const span = this.#free.find(({ first }) => first === given.end);
    if (span === undefined || end <= given.end || useless(span)) return false;
    const to = Math.min(end, span.end);
    this.#free = this.#free.flatMap((one) =>
      one === span ? (to < span.end ? [{ first: to, end: span.end }] : []) : [one],
    );
    given.end = to;
    return true;
  }

  /** The segment's connection has ended: bytes that did not come are free again. */
  release(segment: Segment): void {
    const given = this.#of(segment);
    this.#given.delete(given);
    this.#free = addSpan(this.#free, { first: given.position, end: given.end });
  }

  /** Bytes that came turned out wrong: they are free again. */
  reopen(span: Span): void {
    this.#free = addSpan(this.#free, span);
  }

  #of(segment: Segment): Given {
    if (!this.#given.has(segment)) throw new RangeError('a segment that is over');
    return segment;
  }

  #usable({ useless }: Wish): Span | undefined {
    return useless === undefined ? this.#free[0] : this.#free.find((span) => !useless(span));
  }

  #give(span: Span, maxBytes: number): Segment {
    let end = Math.min(span.end, this.#cut(span.first + Math.max(maxBytes, this.#minBytes)));
    // A rest that is not worth a connection is given away with it.
    if (span.end - end < this.#minBytes) end = span.end;
    this.#free = this.#free.flatMap((one) =>
      one === span ? (end < one.end ? [{ first: end, end: one.end }] : []) : [one],
    );
    const given = { first: span.first, position: span.first, end };
    this.#given.add(given);
    return given;
  }

  /** Frees the end of the segment that would take longest, which keeps at most half and at most `maxBytes`. */
  #split({ maxBytes, secondsLeft, useless, affords, onSplit }: Wish): boolean {
    const longest = [...this.#given]
      .map((given) => ({ given, seconds: secondsLeft(given), cut: this.#cutOf(given, maxBytes) }))
      .filter(({ given, cut, seconds }) => {
        const rest = { first: cut, end: given.end };
        const isWorthIt =
          seconds >= MIN_SECONDS && lengthOf(rest) >= this.#minBytes && useless?.(rest) !== true;
        return isWorthIt && (this.#shortened.has(given) || affords?.(given) !== false);
      })
      .toSorted((a, b) => b.seconds - a.seconds)[0];
    if (longest === undefined) return false;
    const { given, cut } = longest;
    this.#free = addSpan(this.#free, { first: cut, end: given.end });
    given.end = cut;
    if (!this.#shortened.has(given)) onSplit?.(given);
    this.#shortened.add(given);
    return true;
  }

  #cutOf({ position, end }: Given, maxBytes: number): number {
    const half = Math.min((end - position) / 2, maxBytes);
    return this.#cut(position + Math.max(half, this.#minBytes));
  }

  /** The next position at which segments may meet. */
  #cut(position: number): number {
    if (!Number.isFinite(this.#total)) return this.#total;
    return Math.min(this.#total, Math.ceil(position / this.#align) * this.#align);
  }
}
