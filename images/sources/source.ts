/** What every protocol plug-in gives: a look at a file, and its bytes from an offset on. */
import type { Secrets } from '../../model/source.ts';

export interface SourceRequest {
  readonly url: string;
  /** Sent only to the origin that they name. */
  readonly secrets?: Secrets | undefined;
  readonly signal: AbortSignal;
}

/** From where a broken transfer wants to go on, and what proves that the file is still the same. */
export interface ResumePoint {
  /** Bytes that are here already; at least 1. */
  readonly offset: number;
  /** A strong entity tag. */
  readonly etag: string;
  /** Bytes of the whole file. */
  readonly total: number;
}

/** A part of a file of which other parts come otherwise: over another connection, or from another origin. */
export interface WantedRange {
  readonly first: number;
  /** The last byte, included. */
  readonly last: number;
  /** Bytes of the whole file. */
  readonly total: number;
  /** The strong entity tag of the bytes that are here from this origin; undefined when there are none. */
  readonly etag: string | undefined;
}

export interface OpenRequest extends SourceRequest {
  readonly resume?: ResumePoint | undefined;
  /** These bytes or none: a source that does not give exactly them throws RangeRefused. Excludes `resume`. */
  readonly range?: WantedRange | undefined;
  /** Told why the body begins at 0 although a resume was asked for, as soon as that is known. */
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
   * Chunks of the body, or parts of them, that nobody reads any more: others may come in their place. Each byte is given
   * back at most once; one that never is costs memory only.
   */
  giveBack(chunks: readonly Buffer[]): void;
  /** Drops the connection; harmless after the end. */
  close(): void;
}

/** Bytes that a probe looks at: enough for an ISO's volume descriptor at 32 KiB. */
export const PROBE_LENGTH = 65_536;

export interface Source {
  /** @throws ImageError when the file cannot be had; the signal's reason when aborted. */
  probe(request: SourceRequest): Promise<SourceHead>;
  /** @throws ImageError when the file cannot be had; the signal's reason when aborted. */
  open(request: OpenRequest): Promise<OpenedSource>;
}
