/** The hashes of a file's pieces, as a metalink lists them (RFC 5854 section 4.2.10; version 3: within `verification`). */
import { algorithmNamed, CHECKSUM_ALGORITHMS, parseChecksum } from '../../../../model/checksum.ts';
import type { ChecksumAlgorithm } from '../../../../model/checksum.ts';
import { counted } from '../../../../model/grammar.ts';
import type { PieceHashes } from '../../piece-hashes.ts';

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
  /** Why it is of no use, as far as it was read. */
  flaw: string | undefined;
}

/** Collects the lists of one file; there may be one for each algorithm. Only a flawless one is of use. */
export class PieceLists {
  readonly #lists: List[] = [];

  start(attributes: ReadonlyMap<string, string>): void {
    const length = /^\d{1,15}$/.test(attributes.get('length')?.trim() ?? '')
      ? Number(attributes.get('length'))
      : 0;
    const algorithm = algorithmNamed(attributes.get('type') ?? '');
    const flaw =
      algorithm === undefined
        ? 'their algorithm is not known'
        : length >= SHORTEST && length <= LONGEST
          ? undefined
          : `a piece must have ${SHORTEST} to ${LONGEST} bytes`;
    if (this.#lists.length < MAX_LISTS) this.#lists.push({ algorithm, length, hashes: [], flaw });
  }

  /** @param piece its number as version 3 gives it, from 0 */
  add(hash: string, piece: string | undefined): void {
    const list = this.#lists.at(-1);
    if (list === undefined || list.flaw !== undefined) return;
    const count = list.hashes.length;
    if (piece !== undefined && Number(piece) !== count) list.flaw = 'they are out of order';
    else if (count >= MAX_PIECES) list.flaw = `there are more than ${MAX_PIECES}`;
    else if (!isHash(list.algorithm, hash))
      list.flaw = `number ${count + 1} is no ${list.algorithm ?? ''} hash`;
    else list.hashes.push(hash.toLowerCase());
  }

  /** The strongest list that fits a file of so many bytes. */
  best(size: number): PieceHashes | undefined {
    const fitting = this.#lists.flatMap((list) => {
      const { algorithm, length, hashes } = list;
      return algorithm === undefined || flawOf(list, size) !== undefined
        ? []
        : [{ algorithm, length, hashes }];
    });
    return fitting.toSorted((a, b) => strength(b.algorithm) - strength(a.algorithm))[0];
  }

  /** Why none of the lists fits; undefined when there is none. */
  whyNone(size: number): string | undefined {
    return this.#lists.map((list) => flawOf(list, size)).find((flaw) => flaw !== undefined);
  }
}

/** Why a list is of no use for a file of so many bytes. */
function flawOf({ flaw, length, hashes }: List, size: number): string | undefined {
  const pieces = Math.ceil(size / length);
  if (flaw !== undefined) return flaw;
  if (size === 0) return 'the size of the file is not given';
  if (hashes.length === pieces) return undefined;
  return `there are ${hashes.length}, and the file has ${counted(pieces, 'piece')} of ${length} bytes`;
}

const strength = (algorithm: ChecksumAlgorithm): number => CHECKSUM_ALGORITHMS.indexOf(algorithm);

function isHash(algorithm: ChecksumAlgorithm | undefined, hex: string): boolean {
  try {
    return parseChecksum(`{${algorithm ?? ''}}${hex}`).algorithm === algorithm;
  } catch {
    return false;
  }
}
