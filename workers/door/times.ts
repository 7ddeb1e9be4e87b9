/** How long the door waits: for others, and for copies. */

export interface DoorTimes {
  /** Milliseconds for the handshake, and again for the headers of a request. */
  readonly headersMs: number;
  /** In which the other end must take a chunk of 256 KiB. */
  readonly stallMs: number;
  /** In which a copy must be there, or begin. */
  readonly copyMs: number;
  /** In which the digest of a copy must be known. */
  readonly digestMs: number;
}

export const TIMES: DoorTimes = { headersMs: 10_000, stallMs: 30_000, copyMs: 20_000, digestMs: 60_000 };
