/** Messages about verifying a published copy anew. */
import type { HostAnswer } from './payloads.ts';
import type { RunParameters, VerificationTiming } from './timing.ts';

/** Computes the SHA-256 of a published copy anew. */
export interface HashJob {
  readonly v: 1;
  readonly poolId: string;
  readonly copyId: string;
}

export interface HashResult extends HostAnswer {
  /** Hexadecimal; absent when there is no such file. */
  readonly sha256?: string;
}

/** Verifies a copy anew on this host. */
export interface VerificationInput extends RunParameters<VerificationTiming> {
  readonly v: 1;
  readonly templateId: string;
  readonly poolId: string;
  readonly hostId: string;
  readonly hostName: string;
}

export interface VerificationResult {
  readonly v: 1;
  /** `unknown`: the host did not answer. */
  readonly outcome: 'right' | 'wrong' | 'gone' | 'unknown';
}
