/** Where fetched bytes go. A part of a pool is one; fetching knows nothing else of pools. */
import type { GrowthObserver } from '../growth-observer.ts';
import type { Span, Spans } from '../spans.ts';

/** A mirror that gave bytes, as records have it. */
export interface RecordedMirror {
  /** As everybody may see it, without credentials. */
  readonly url: string;
  /** A strong entity tag. */
  readonly etag?: string;
}

/** Where bytes are from. Records keep it, so that a later attempt knows whether it may go on from them. */
export interface Provenance extends RecordedMirror {
  /** The URL after redirects. */
  readonly finalUrl: string;
  /** Bytes of the whole file; 0 when unknown. */
  readonly total: number;
  /** Other mirrors that bytes may have come from. */
  readonly others?: readonly RecordedMirror[];
  /** UUID of the lineage of the bytes (model/spread.ts). Of releases without lineages: absent. */
  readonly lineage?: string;
  /** Who gave bytes: ids of hosts, and ORIGIN. Absent: the origin alone. */
  readonly givers?: readonly string[];
}

/** Among the givers of bytes, the mirrors at their origins. */
export const ORIGIN = 'origin';

/** Stands for the damaged file of a copy that is healed, among the givers and as the URL of bytes. Only a checksum or a SHA-256 makes such bytes good. */
export const DAMAGED_COPY = 'damaged copy';

/**
 * Takes bytes at any position, and tells which it holds. Bytes are good as soon as they are written, or, where pieces
 * are checked, once they were admitted. Writing, settling and restarting throw ImageError.
 */
export interface Sink {
  /** What is recorded of the bytes that are held; undefined when nothing is. */
  readonly recorded: Provenance | undefined;
  /** Of the bytes that are held and of those that come now; undefined when there are none, and their source is not known. */
  readonly provenance: Provenance | undefined;
  /** Bytes that are written, good or not. */
  readonly held: Spans;
  readonly heldBytes: number;
  /** The first bytes of the file, at most `length`; fewer when fewer are held. */
  beginning(length: number): Promise<Buffer>;
  /** Calls the observer from now on, and at once with what is there. */
  observe(observer: GrowthObserver): void;
  /** From now on bytes are recorded with this provenance. */
  recordAs(provenance: Provenance): void;
  /** Waits until `count` bytes more may be written: observers keep up, and a crash would not lose too much. */
  room(count: number): Promise<void>;
  /** Whether `count` bytes more may be written now: another connection may have used the room meanwhile. */
  hasRoom(count: number): boolean;
  write(chunks: readonly Buffer[], position: number): Promise<void>;
  /** These bytes are good. */
  admit(span: Span): void;
  /** These bytes are wrong, and held no longer. They were not admitted. */
  discard(span: Span): void;
  /** Waits until all bytes are on disk and recorded. */
  settle(): Promise<void>;
  /** Forgets all bytes. */
  restart(): Promise<void>;
}
