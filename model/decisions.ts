/** What a deployment decides after a failed download, and the history that it decides by. The rules are in model/rules/. */
import type { Failure } from './failures.ts';

/** What a deployment remembers of its failed downloads. */
export interface History {
  /** Hosts that cannot work on the copy: this deployment never chooses them again. */
  readonly excluded: readonly string[];
  /** Hosts whose failure may pass: chosen only when there is no other, in the order of their failures. */
  readonly avoided: readonly string[];
  /** Failures of the source in a row, without progress of the file. */
  readonly sourceRounds: number;
  readonly goneRounds: number;
  readonly throttleRounds: number;
  /** Waits in a row for which the source gave the time. */
  readonly askedRounds?: number;
  readonly spaceRounds: number;
  /** Bytes of the file on the pool at the last progress. */
  readonly farthest: number;
}

export const NO_ROUNDS = {
  sourceRounds: 0,
  goneRounds: 0,
  throttleRounds: 0,
  askedRounds: 0,
  spaceRounds: 0,
};

export const NEW_HISTORY: History = {
  excluded: [],
  avoided: [],
  ...NO_ROUNDS,
  farthest: 0,
};

export interface FailedDownload {
  readonly failure: Failure;
  readonly hostId: string;
  /** Bytes of the file that the pool holds now. */
  readonly position: number;
  /** Bytes of the whole file; 0 when unknown. */
  readonly size: number;
}

export type Decision =
  | { readonly next: 'stop' }
  /** Try again, after `afterMs` milliseconds. */
  | {
      readonly next: 'again';
      readonly afterMs: number;
      readonly history: History;
      /** The source asked the client to wait: a new request for the copy does not end the wait early. */
      readonly patient?: true;
    };

/** A decision, and the rule that made it. */
export interface Decided {
  /** Name of the rule. */
  readonly rule: string;
  /** The file has grown enough for all rounds to begin anew. */
  readonly progressed: boolean;
  readonly decision: Decision;
}
