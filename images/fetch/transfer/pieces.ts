/** Checks the pieces of a file whose hashes are known: which are right, which are wrong, and which mirrors sent them. */
import { ImageError } from '../../../model/failures.ts';
import type { GrowthObserver } from '../../growth-observer.ts';
import type { PieceHashes } from '../piece-hashes.ts';
import { covers } from '../../spans.ts';
import type { Span, Spans } from '../../spans.ts';

/** A wrong piece that no other mirror can give. The other bytes that the sink holds are right and stay. */
export class WrongPiece extends ImageError {
  constructor(message: string, url?: string) {
    super('ChecksumMismatch', message, url === undefined ? {} : { url });
  }
}

export interface PiecesOptions {
  readonly pieces: PieceHashes;
  /** Bytes of the file. */
  readonly total: number;
  /** Computes the hash of a part of the file: hexadecimal, in lower case. */
  readonly hash: (span: Span) => Promise<string>;
  readonly onRight: (span: Span) => void;
  readonly onWrong: (piece: Piece) => void;
}

export interface Piece extends Span {
  /** Counted from 1, as people see it. */
  readonly number: number;
  /** URLs that sent bytes of it in this attempt. */
  readonly from: ReadonlySet<string>;
}

/** Hashes that are computed at the same time. */
const MAX_HASHING = 4;

export class Pieces implements GrowthObserver {
  readonly #options: PiecesOptions;
  /** Pieces that are right or wait for their judgement: 1; others: 0. */
  readonly #taken: Uint8Array;
  readonly #senders = new Map<number, Set<string>>();
  /** For each piece the mirrors that alone sent it wrong: they are not asked for it again. */
  readonly #corrupters = new Map<number, Set<string>>();
  readonly #queue: number[] = [];
  #hashing = 0;
  /** Counts restarts: a hash that was begun in an earlier era is of bytes that were forgotten. */
  #era = 0;
  #failure: unknown;
  /** Called with a wrong piece, after `onWrong` of the options. */
  onWrong: ((piece: Piece) => void) | undefined;
  /** Called after each judgement, and after a failure to judge. */
  onJudged: (() => void) | undefined;

  constructor(options: PiecesOptions) {
    this.#options = options;
    this.#taken = new Uint8Array(options.pieces.hashes.length);
  }

  /** Bytes of each piece but the last. */
  get length(): number {
    return this.#options.pieces.length;
  }

  get count(): number {
    return this.#options.pieces.hashes.length;
  }

  /** Whether pieces that are complete wait for their judgement. */
  get pending(): boolean {
    return this.#queue.length + this.#hashing > 0;
  }

  /** @throws why pieces cannot be judged */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Bytes are on their way into the file. */
  sent(span: Span, url: string): void {
    for (const index of this.#within(span)) add(this.#senders, index, url);
  }

  /** Bytes were written. @param held all that is */
  written(span: Span, held: Spans): void {
    for (const index of this.#within(span)) {
      if (this.#taken[index] === 1 || !covers(held, this.#spanOf(index))) continue;
      this.#taken[index] = 1;
      this.#queue.push(index);
    }
    this.#go();
  }

  /** Whether the mirror alone has sent a piece of these bytes wrong before. */
  wasCorrupted(span: Span, url: string): boolean {
    if (this.#corrupters.size === 0) return false;
    return [...this.#within(span)].some((index) => this.#corrupters.get(index)?.has(url));
  }

  grown(): void {
    // `written` does the work, since pieces are judged wherever they lie in the file.
  }

  async ready(): Promise<void> {
    this.check();
  }

  async restarting(): Promise<void> {
    this.#era += 1;
    this.#hashing = 0;
    this.#queue.length = 0;
    this.#taken.fill(0);
    this.#senders.clear();
  }

  *#within({ first, end }: Span): Generator<number> {
    const { length } = this.#options.pieces;
    for (let index = Math.floor(first / length); index * length < end; index += 1) yield index;
  }

  #spanOf(index: number): Span {
    const { pieces, total } = this.#options;
    return { first: index * pieces.length, end: Math.min(total, (index + 1) * pieces.length) };
  }

  #go(): void {
    while (this.#hashing < MAX_HASHING) {
      const index = this.#queue.shift();
      if (index === undefined) return;
      this.#hashing += 1;
      void this.#examine(index, this.#era);
    }
  }

  async #examine(index: number, era: number): Promise<void> {
    try {
      const hex = await this.#options.hash(this.#spanOf(index));
      if (era !== this.#era) return;
      this.#hashing -= 1;
      this.#judge(index, hex);
      this.#go();
    } catch (error) {
      if (era !== this.#era) return;
      this.#failure ??= error;
    }
    this.onJudged?.();
  }

  #judge(index: number, hex: string): void {
    const span = this.#spanOf(index);
    const from = this.#senders.get(index) ?? new Set<string>();
    this.#senders.delete(index);
    if (hex === this.#options.pieces.hashes[index]) {
      this.#corrupters.delete(index);
      return this.#options.onRight(span);
    }
    this.#taken[index] = 0;
    // Which of several senders it was is unknown.
    if (from.size === 1) for (const url of from) add(this.#corrupters, index, url);
    const piece = { ...span, number: index + 1, from };
    this.#options.onWrong(piece);
    this.onWrong?.(piece);
  }
}

function add(sets: Map<number, Set<string>>, index: number, url: string): void {
  const set = sets.get(index) ?? new Set();
  sets.set(index, set.add(url));
}
