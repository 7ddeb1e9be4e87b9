/**
 * What a protocol is: what the whole installation knows of it (ProtocolFacts), and how a host makes its source, which looks
 * at the beginning of files and gives their bytes from an offset on.
 */
import { ImageError } from '../../model/failures.ts';
import type { ProtocolFacts } from '../../model/protocols.ts';
import type { Secrets } from '../../model/source.ts';
import type { OriginVersion } from '../../model/spread.ts';
import type { Budgets } from './network/budgets.ts';
import type { EgressPolicy } from './network/egress-policy.ts';
import type { Trust } from './network/trust.ts';

export interface Protocol extends ProtocolFacts {
  /** Makes the source of all its URLs. */
  create(options: SourceSettings): Source;
}

/** How a host reaches sources. Budgets that are absent are those of BUDGETS. */
export interface SourceSettings extends Partial<Budgets> {
  /** Every connection is made by a route that it gives. */
  readonly egress: EgressPolicy;
  /** Default: the authorities of the system. */
  readonly trust?: Trust;
}

export interface SourceRequest {
  readonly url: string;
  /** Go only to the origin that they name, and to those trusted with them. */
  readonly secrets?: Secrets | undefined;
  readonly signal: AbortSignal;
}

/** Where a broken transfer continues, and the validator that proves that the file is the same. */
export interface ResumePoint {
  /** Bytes that the transfer has; at least 1. */
  readonly offset: number;
  /** A strong entity tag. */
  readonly etag: string;
  /** Bytes of the whole file. */
  readonly total: number;
}

/** A part of a file whose other parts come over another connection, or from another origin. */
export interface WantedRange {
  readonly first: number;
  /** The last byte, included. */
  readonly last: number;
  /** Bytes of the whole file. */
  readonly total: number;
  /** The strong entity tag of the bytes that came from this origin; undefined when none did. */
  readonly etag: string | undefined;
}

export interface OpenRequest extends SourceRequest {
  readonly resume?: ResumePoint | undefined;
  /** Exactly these bytes: a source that gives others throws RangeRefused. Excludes `resume`. */
  readonly range?: WantedRange | undefined;
  /** Whether the transfer's bytes begin a gzip file: then an answer labelled as gzip-encoded is that file. */
  readonly gzip?: boolean | undefined;
  /** Called with the reason when the body begins at 0 although `resume` was given. */
  onRestart?(reason: string): void;
}

export interface SourceFacts {
  /** The URL after redirects, without credentials. */
  readonly finalUrl: string;
  /** Bytes of the whole file; 0 when the source does not say. */
  readonly total: number;
  readonly etag: string | undefined;
  readonly lastModified: string | undefined;
  readonly contentType: string | undefined;
  /** Whether the source gives byte ranges. */
  readonly ranges: boolean;
  /** Of bytes that another host passes on: what they are. */
  readonly passedOn?: PassedOn;
}

export interface PassedOn {
  /** UUID (model/spread.ts). */
  readonly lineage: string;
  /** Absent where no origin has these bytes. */
  readonly origin?: OriginVersion;
}

export interface SourceHead extends SourceFacts {
  /** The first bytes of the file: PROBE_LENGTH, or all when it is shorter. */
  readonly head: Buffer;
}

export interface OpenedSource extends SourceFacts {
  /** Where in the file the body begins: the resume point's offset, the range's first byte, or 0. */
  readonly offset: number;
  /** Batches of chunks, about 1 MiB each while bytes flow fast. Ends after the last byte, or throws ImageError. */
  readonly body: AsyncIterable<readonly Buffer[]>;
  /** Bytes of the body that have come, whether read or not. */
  arrived(): number;
  /**
   * Returns chunks of the body, or parts of them, so that their memory is reused. Each byte is returned at most once; one that
   * never is costs memory only.
   */
  giveBack(chunks: readonly Buffer[]): void;
  /** Drops the connection; harmless after the end. */
  close(): void;
}

/** Reason of a signal whose caller waits no longer: a protocol that knows what it waited for says so instead. */
export class OutOfTime extends ImageError {
  /** How long the caller waited, as in `0.5 s`. */
  readonly limit: string;

  /** @param ms that the caller waited */
  constructor(ms: number) {
    const limit = `${Math.max(0.1, Math.round(ms / 100) / 10)} s`;
    super('Stalled', `did not answer within ${limit}`);
    this.limit = limit;
  }
}

/** Bytes that a probe looks at: enough for an ISO's volume descriptor at 32 KiB. */
export const PROBE_LENGTH = 65_536;

export interface Source {
  /** @throws ImageError when the file cannot be had; the signal's reason when aborted. */
  probe(request: SourceRequest): Promise<SourceHead>;
  /** @throws ImageError when the file cannot be had; the signal's reason when aborted. */
  open(request: OpenRequest): Promise<OpenedSource>;
}
