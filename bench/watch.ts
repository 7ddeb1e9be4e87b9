/** Who started the bench, and what may be said to them. */

export interface Watch {
  /** Told what is being done. */
  readonly onStep: (text: string) => void;
  /** Ends the bench, which then leaves nothing behind. */
  readonly signal: AbortSignal;
}

/** The bench cannot run here, or was ended; the message is for a person. */
export class CannotBench extends Error {}
