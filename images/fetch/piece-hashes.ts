/** Hashes of the pieces of a file: a metalink gives them, and a transfer checks its bytes by them. */
import type { ChecksumAlgorithm } from '../../model/checksum.ts';

export interface PieceHashes {
  readonly algorithm: ChecksumAlgorithm;
  /** Bytes of each piece but the last. */
  readonly length: number;
  /** One a piece, in lower case. */
  readonly hashes: readonly string[];
}
