/** The hashes of a file's pieces, as a metalink lists them (RFC 5854 section 4.2.10; version 3: within `verification`). */
import { algorithmFromMetalink, CHECKSUM_ALGORITHMS, parseChecksum } from '../../model/checksum.ts';
import type { ChecksumAlgorithm } from '../../model/checksum.ts';

export interface MetalinkPieces {
  readonly algorithm: ChecksumAlgorithm;
  /** Bytes of each piece but the last. */
  readonly length: number;
  /** One a piece, in lower case. */
  readonly hashes: readonly string[];
}

/** Bytes of a piece: with shorter ones a file has too many, with longer ones a wrong one costs too much. */
const SHORTEST = 1024;
const LONGEST = 1024 * 1_048_576;
const MAX_PIECES = 262_144;
/** Lists in one document, used or not. */
const MAX_LISTS = 16;

interface List {
  readonly algorithm: ChecksumAlgorithm | undefined;
  readonly length: number;
  readonly hashes: string[];
  whole: boolean;
}

/** Collects the lists of one file; there may be one for each algorithm. Only a flawless one is of use. */
export class PieceLists {
  readonly #lists: List[] = [];

  start(attributes: ReadonlyMap<string, string>): void {
    const length = /^\d{1,15}$/.test(attributes.get('length')?.trim() ?? '')
      ? Number(attributes.get('length'))
      : 0;
    const algorithm = algorithmFromMetalink(attributes.get('type') ?? '');
    const whole = algorithm !== undefined && length >= SHORTEST && length <= LONGEST;
    if (this.#lists.length < MAX_LISTS) this.#lists.push({ algorithm, length, hashes: [], whole });
  }

  /** @param piece its number as version 3 gives it, from 0 */
  add(hash: string, piece: string | undefined): void {
    const list = this.#lists.at(-1);
    if (list === undefined || !list.whole) return;
    const inOrder = piece === undefined || Number(piece) === list.hashes.length;
    list.whole = inOrder && list.hashes.length < MAX_PIECES && isHash(list.algorithm, hash);
    if (list.whole) list.hashes.push(hash.toLowerCase());
  }

  /** The strongest list that fits a file of so many bytes. */
  best(size: number): MetalinkPieces | undefined {
    const fitting = this.#lists.flatMap(({ algorithm, length, hashes, whole }) =>
      whole && algorithm !== undefined && size > 0 && hashes.length === Math.ceil(size / length)
        ? [{ algorithm, length, hashes }]
        : [],
    );
    return fitting.toSorted((a, b) => strength(b.algorithm) - strength(a.algorithm))[0];
  }
}

const strength = (algorithm: ChecksumAlgorithm): number => CHECKSUM_ALGORITHMS.indexOf(algorithm);

function isHash(algorithm: ChecksumAlgorithm | undefined, hex: string): boolean {
  try {
    return parseChecksum(`{${algorithm ?? ''}}${hex}`).algorithm === algorithm;
  } catch {
    return false;
  }
}
