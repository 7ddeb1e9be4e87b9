/**
 * The copies of this host that others may read: what its door serves (model/spread.ts). A copy is a published image, or the
 * part of a running attempt. Nothing here takes a path from outside; a copy is named by its id alone.
 */
import type { FileHandle } from 'node:fs/promises';
import type { OriginVersion } from '../../model/spread.ts';
import type { Span } from '../spans.ts';

/** What a host that asks learns of a copy. */
export interface CopyFacts {
  /** Bytes of the whole file. */
  readonly total: number;
  /** UUID (model/spread.ts). An image of a release without lineages is known by what it is (`lineageOfImage`). */
  readonly lineage: string;
  /** Absent where no origin has these bytes: the image was unpacked on a host. */
  readonly origin?: OriginVersion;
  /** Hexadecimal SHA-256 of the whole file; of a part, absent until it is known. */
  readonly sha256?: string;
}

export interface PublishedCopy extends CopyFacts {
  readonly sha256: string;
  /** Open for reading. The caller closes it. */
  readonly file: FileHandle;
}

/** A part as it is now. When it begins anew, it is another one. */
export interface ServedPart extends CopyFacts {
  /** Length of the good prefix of the file. */
  readonly position: number;
  /**
   * The bytes of a span, each as soon as it is good, at most 256 KiB at a time. It goes on over the publication of the image,
   * and keeps no file open afterwards.
   * @throws PartGone when the attempt began anew or ended before it had the bytes; the signal's reason when aborted
   */
  read(span: Span, signal: AbortSignal): AsyncGenerator<Buffer>;
}

export interface OpenCopies {
  /**
   * The published image of a copy; undefined when this host has not published it, or its file has another length now. What
   * the file holds is not looked at: whoever reads checks it.
   */
  published(copyId: string): Promise<PublishedCopy | undefined>;
  /**
   * The part of a copy that is under way; undefined while there is none, its length or lineage is not known, or its bytes
   * are packed.
   */
  part(copyId: string): ServedPart | undefined;
  /**
   * Waits until a condition about a copy holds. It is looked at now and after each change of the copy's part: begun, grown,
   * described anew, published, given up.
   * @returns the first value that is not undefined
   * @throws the signal's reason when aborted
   */
  until<T>(copyId: string, condition: () => Promise<T | undefined>, signal: AbortSignal): Promise<T>;
}
