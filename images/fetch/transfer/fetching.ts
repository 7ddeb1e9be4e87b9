/** What the parts of one fetch share. */
import type { FetchTask } from '../task.ts';
import type { MirrorChoice } from './mirror-choice.ts';
import type { Pieces } from './pieces.ts';

export interface Fetching {
  readonly task: FetchTask;
  readonly mirrors: MirrorChoice;
  /** Checks of the file's pieces, where their hashes are known. */
  readonly pieces: Pieces | undefined;
  /** Sentences for the next try; taken by it. */
  readonly remarks: string[];
  /** Bytes of several mirrors turned out wrong together: from now on each is tried by itself. */
  alone: boolean;
}

/** Whether bytes of several mirrors may come together: a checksum proves in the end that they are of one file. */
export const mixes = ({ task, alone }: Fetching): boolean => task.verifiable && !alone;
