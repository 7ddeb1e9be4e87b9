/**
 * Which bytes of a file each connection brings. Every byte that is missing is either free or in exactly one segment;
 * the earliest free ones are given away first, so that what follows the file's beginning is never far behind.
 */
import { addSpan, bytesIn, gapsIn, lengthOf } from './spans.ts';
import type { Span, Spans } from './spans.ts';

/** What one connection is to bring: `position` moves on to `end`, and `end` comes nearer when it is split. */
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
  /** The most bytes to give. */
  readonly most: number;
  /** Seconds in which a segment is expected to end; what takes longest is split first. */
  readonly secondsLeft: (segment: Segment) => number;
  /**
   * Asked before a segment is split for the first time, which costs what its connection has under way beyond the new
   * end. Default: always.
   */
  readonly affords?: ((segment: Segment) => boolean) | undefined;
  /** Told of each such segment. */
  readonly onSplit?: ((segment: Segment) => void) | undefined;
  /** Free bytes that are of no use to who asks. */
  readonly useless?: ((span: Span) => boolean) | undefined;
}

export interface SegmentsOptions {
  /** Bytes of the file; Infinity when unknown: then nothing is ever split. */
  readonly total: number;
  /** What is here already. */
  readonly held: Spans;
  /** Segments begin and end at multiples of this; default 1. */
  readonly align?: number;
  /** Bytes that are worth a connection; default 1 MiB. */
  readonly least?: number;
}

const LEAST = 1_048_576;
/** An end that is nearer in time than this is not worth a connection. */
const LEAST_SECONDS = 0.5;

export class Segments {
  readonly #total: number;
  readonly #align: number;
  readonly #least: number;
  readonly #given = new Set<Given>();
  /** Those whose connections were asked for more than up to their ends. */
  readonly #shortened = new WeakSet<Given>();
  #free: Spans;

  constructor({ total, held, align = 1, least = LEAST }: SegmentsOptions) {
    this.#total = total;
    this.#align = align;
    this.#least = Math.max(least, align);
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
    if (span !== undefined) return this.#give(span, wish.most);
    return this.#split(wish) ? this.take(wish) : undefined;
  }

  /** So many bytes more of a segment have come. */
  advance(segment: Segment, count: number): void {
    const given = this.#of(segment);
    if (count < 0 || given.position + count > given.end) throw new RangeError('bytes beyond a segment');
    given.position += count;
  }

  /**
   * Free bytes right behind a segment are added to it, up to `end`: its connection brings them anyway.
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

  /** The segment's connection is over; what did not come is free again. */
  release(segment: Segment): void {
    const given = this.#of(segment);
    this.#given.delete(given);
    this.#free = addSpan(this.#free, { first: given.position, end: given.end });
  }

  /** These bytes came, but are wrong. */
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

  #give(span: Span, most: number): Segment {
    let end = Math.min(span.end, this.#cut(span.first + Math.max(most, this.#least)));
    // A rest that is not worth a connection goes with it.
    if (span.end - end < this.#least) end = span.end;
    this.#free = this.#free.flatMap((one) =>
      one === span ? (end < one.end ? [{ first: end, end: one.end }] : []) : [one],
    );
    const given = { first: span.first, position: span.first, end };
    this.#given.add(given);
    return given;
  }

  /** Frees a part of the segment that takes longest. It keeps no more than half, and no more than `most`. */
  #split({ most, secondsLeft, useless, affords, onSplit }: Wish): boolean {
    const longest = [...this.#given]
      .map((given) => ({ given, seconds: secondsLeft(given), cut: this.#cutOf(given, most) }))
      .filter(({ given, cut, seconds }) => {
        const rest = { first: cut, end: given.end };
        const isWorthIt =
          seconds >= LEAST_SECONDS && lengthOf(rest) >= this.#least && useless?.(rest) !== true;
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

  #cutOf({ position, end }: Given, most: number): number {
    const half = Math.min((end - position) / 2, most);
    return this.#cut(position + Math.max(half, this.#least));
  }

  /** The nearest place at which segments may meet. */
  #cut(position: number): number {
    if (!Number.isFinite(this.#total)) return this.#total;
    return Math.min(this.#total, Math.ceil(position / this.#align) * this.#align);
  }
}
