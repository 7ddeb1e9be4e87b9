/** A check of a URL as a registration makes it, of which nothing is kept. */
import type { RegistrationRefusal } from './payloads.ts';
import type { Compression, UrlReport } from './source.ts';

export interface SourceFound {
  readonly hostName: string;
  /** Bytes of the file as transferred. */
  readonly size: number;
  /** Bytes that a VM sees; 0 when the file is packed and does not announce it. */
  readonly virtualSize: number;
  readonly compression?: Compression;
  /** The user's, else the metalink's. */
  readonly checksum?: string;
  readonly mirrors: readonly UrlReport[];
}

/** Has either `found` or `refusal`. */
export interface SourceCheckResult {
  readonly v: 1;
  readonly found?: SourceFound;
  readonly refusal?: RegistrationRefusal;
}
