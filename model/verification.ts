/** Messages about verifying a published copy anew. */
import type { ImagePieces } from './image-pieces.ts';
import type { HostAnswer } from './payloads.ts';
import type { RunParameters, VerificationsTiming, VerificationTiming } from './timing.ts';

/** Computes the SHA-256 of a published copy anew. */
export interface HashJob {
  readonly v: 1;
  readonly poolId: string;
  readonly copyId: string;
  /** Reads no faster, and lets everybody else read first; absent: as fast as it goes. Only hosts with the feature `pacedHash` heed it. */
  readonly bytesPerSecond?: number;
}

export interface HashResult extends HostAnswer {
  /** Hexadecimal; absent when there is no such file. */
  readonly sha256?: string;
  /** Of the same bytes; absent in answers of older releases, and for an empty file. */
  readonly pieces?: ImagePieces;
}

/** Verifies a copy anew on this host. */
export interface VerificationInput extends RunParameters<VerificationTiming> {
  readonly v: 1;
  readonly templateId: string;
  readonly poolId: string;
  readonly hostId: string;
  readonly hostName: string;
  /** Absent: somebody got wrong bytes, so that it is urgent. */
  readonly bytesPerSecond?: number;
}

/** Verifies the copies of a zone whose turn it is. */
export interface VerificationsInput extends RunParameters<VerificationsTiming> {
  readonly v: 1;
  readonly zoneId: string;
}

export interface VerificationsResult {
  readonly v: 1;
  /** Copies that were verified by this run. */
  readonly verified: number;
}

export interface VerificationResult {
  readonly v: 1;
  /** `unknown`: the host did not answer. */
  readonly outcome: 'right' | 'wrong' | 'gone' | 'unknown';
}
