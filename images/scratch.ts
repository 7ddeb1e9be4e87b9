import type { FileHandle } from 'node:fs/promises';

/** A second file of an attempt, to unpack into. */
export interface Scratch {
  readonly file: FileHandle;
  /** Closes the file and removes its temporary name; a published file keeps its final name. */
  remove(): Promise<void>;
}
