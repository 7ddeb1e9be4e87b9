/**
 * Hashes of the pieces of a published image. A copy that rots is healed by them: what is right of its file stays, and only
 * damaged pieces are fetched. The list fits into a message whatever the size of the image: a larger one has longer pieces.
 */

export interface ImagePieces {
  /** Bytes of the image. */
  readonly size: number;
  /** Bytes of each piece but the last. */
  readonly length: number;
  /** SHA-256 of each piece, hexadecimal, one after the other. */
  readonly hashes: string;
}

/** How a damaged copy is brought anew, in the job of its download. Only hosts with the feature `healing` heed it. */
export interface Healing {
  /** SHA-256 of the image that was published, hexadecimal: no other counts as healed. */
  readonly sha256: string;
  readonly pieces: ImagePieces;
  /** Two hosts have found the hashes right: a host that gives another piece is wrong. */
  readonly proven?: boolean;
  /** The template's source is packed: only other hosts have the bytes of the image. */
  readonly packed?: boolean;
  /** No virtual machine stands on the damaged file: it goes as soon as the new one has its name. */
  readonly unused?: boolean;
}

/** What a healing showed of the hashes of pieces: the file whose SHA-256 is right has these, or others. */
export const PIECE_VERDICTS = ['right', 'wrong'] as const;
export type PieceVerdict = (typeof PIECE_VERDICTS)[number];

const SHORTEST = 4 * 1_048_576;
/** Less than 64 kB of hashes. */
const MAX_PIECES = 900;
const HASH_LENGTH = 64;

/** Bytes of the pieces of an image of so many bytes. */
export const pieceLengthOf = (size: number): number =>
  SHORTEST * Math.max(1, Math.ceil(size / (SHORTEST * MAX_PIECES)));

export const pieceHashesOf = ({ hashes }: Pick<ImagePieces, 'hashes'>): readonly string[] =>
  Array.from({ length: hashes.length / HASH_LENGTH }, (_, at) =>
    hashes.slice(at * HASH_LENGTH, (at + 1) * HASH_LENGTH),
  );

/** @returns what is wrong with a list, as the end of a sentence */
export function problemOfPieces({ size, length, hashes }: ImagePieces): string | undefined {
  if (!/^(?:[0-9a-f]{64})+$/.test(hashes)) return 'has no hashes';
  const count = hashes.length / HASH_LENGTH;
  return count <= MAX_PIECES && count === Math.ceil(size / length)
    ? undefined
    : 'has another number of hashes';
}

/** How much of a file is not what was published. */
export interface Damage {
  /** Damaged pieces. */
  readonly pieces: number;
  /** All pieces of the image. */
  readonly of: number;
  /** Bytes of the damaged pieces. */
  readonly bytes: number;
}

/** @returns undefined where lists of unequal pieces cannot be compared */
export function damageOf(published: ImagePieces, found: ImagePieces): Damage | undefined {
  if (published.length !== found.length) return undefined;
  const here = pieceHashesOf(found);
  const all = pieceHashesOf(published);
  const wrong = all.flatMap((hash, at) => (hash === here[at] ? [] : [at]));
  const bytesOf = (at: number): number => Math.min(published.length, published.size - at * published.length);
  return {
    pieces: wrong.length,
    of: all.length,
    bytes: wrong.reduce((sum, at) => sum + bytesOf(at), 0),
  };
}
