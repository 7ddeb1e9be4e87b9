/** The observer of a bench run: gets its progress and can abort it. */

export interface Watch {
  /** Called with a description of each step. */
  readonly onStep: (text: string) => void;
  /** Aborts the bench, which then cleans up. */
  readonly signal: AbortSignal;
}

/** The bench cannot run here, or was aborted. The message is for people. */
export class CannotBench extends Error {}
