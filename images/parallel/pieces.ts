/** The pieces of a file that has hashes of them: which are right, which are wrong, and who sent them. */
import { ImageError } from '../../model/failures.ts';
import type { IntakeObserver } from '../intake.ts';
import type { MetalinkPieces } from '../sources/metalink-pieces.ts';
import { covers } from './spans.ts';
import type { Span, Spans } from './spans.ts';

/** A wrong piece that no other mirror can give. What else is here is right and stays. */
export class WrongPiece extends ImageError {
  constructor(message: string, url?: string) {
    super('ChecksumMismatch', message, url === undefined ? {} : { url });
  }
}

export interface PiecesOptions {
  readonly pieces: MetalinkPieces;
  /** Bytes of the file. */
  readonly total: number;
  /** Gives the hash of a part of the file, in lower case. */
  readonly hash: (span: Span) => Promise<string>;
  readonly onRight: (span: Span) => void;
  readonly onWrong: (piece: Piece) => void;
}

export interface Piece extends Span {
  /** From 1, for people. */
  readonly number: number;
  /** URLs that sent bytes of it in this attempt. */
  readonly from: ReadonlySet<string>;
}

/** Hashes that are asked for and not there yet. */
const AT_ONCE = 4;

export class Pieces implements IntakeObserver {
  readonly #options: PiecesOptions;
  /** Pieces that are right, or on their way to be judged. */
  readonly #taken: Uint8Array;
  readonly #senders = new Map<number, Set<string>>();
  /** Who sent a piece wrong by himself: it is not asked of him again. */
  readonly #liars = new Map<number, Set<string>>();
  readonly #queue: number[] = [];
  #asked = 0;
  /** Counts restarts, so that answers about forgotten bytes are not taken for others. */
  #era = 0;
  #failure: unknown;
  /** Told of a wrong piece, after `onWrong` of the options. */
  onWrong: ((piece: Piece) => void) | undefined;
  /** Told of each judgement, and of a failure to judge. */
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

  /** Whether there are pieces that are complete and not judged yet. */
  get pending(): boolean {
    return this.#queue.length + this.#asked > 0;
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

  /** Whether a mirror has sent a piece of these bytes wrong before. */
  liedAbout(span: Span, url: string): boolean {
    if (this.#liars.size === 0) return false;
    return [...this.#within(span)].some((index) => this.#liars.get(index)?.has(url));
  }

  grown(): void {
    // Told by `written`, since pieces are judged wherever they lie.
  }

  async ready(): Promise<void> {
    this.check();
  }

  async restarting(): Promise<void> {
    this.#era += 1;
    this.#asked = 0;
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
    while (this.#asked < AT_ONCE) {
      const index = this.#queue.shift();
      if (index === undefined) return;
      this.#asked += 1;
      void this.#examine(index, this.#era);
    }
  }

  async #examine(index: number, era: number): Promise<void> {
    try {
      const hex = await this.#options.hash(this.#spanOf(index));
      if (era !== this.#era) return;
      this.#asked -= 1;
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
      this.#liars.delete(index);
      return this.#options.onRight(span);
    }
    this.#taken[index] = 0;
    // Of several senders nobody knows which one it was.
    if (from.size === 1) for (const url of from) add(this.#liars, index, url);
    const piece = { ...span, number: index + 1, from };
    this.#options.onWrong(piece);
    this.onWrong?.(piece);
  }
}

function add(sets: Map<number, Set<string>>, index: number, url: string): void {
  const set = sets.get(index) ?? new Set();
  sets.set(index, set.add(url));
}
