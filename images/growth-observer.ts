/** The interface of those that read a file while it is being written: digests, pieces, unpacking. */
import type { Span, Spans } from './spans.ts';

/** Follows a growing file, and reads it by itself. */
export interface GrowthObserver {
  /**
   * Called when the first `position` bytes are written and good.
   * @param total bytes of the complete file; 0 while unknown
   */
  grown(position: number, total: number): void;
  /** Called when the bytes of `span` were written, good or not. @param held all written spans */
  written?(span: Span, held: Spans): void;
  /** Called when it became known, or changed, where the bytes are from. */
  described?(): void;
  /** Resolves when the observer has caught up with the file. @throws the reason to stop writing */
  ready(): Promise<void>;
  /**
   * Called before the file is emptied. The writer waits until the promise resolves: then the observer reads no more.
   */
  restarting(): Promise<void>;
}
