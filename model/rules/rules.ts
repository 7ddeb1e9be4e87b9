/** One version of the rules: how long each step may take, and what follows a failed download. */
import type { Decided, FailedDownload, History } from '../decisions.ts';
import type { CopyTiming, Timings } from '../timing.ts';

export interface Rules {
  readonly version: number;
  /** Times that the input of a run does not carry. */
  readonly timing: Timings;
  readonly decide: (failed: FailedDownload, history: History, timing: CopyTiming) => Decided;
  /** Names of the rules that may decide. */
  readonly branches: readonly string[];
  /** Kinds of failures that the rules know; they treat other kinds by their class. */
  readonly kinds: readonly string[];
}
