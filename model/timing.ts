/**
 * How long things may take and how long is waited, in milliseconds. Workflows take them from here, or from their
 * input, by which tests shorten them.
 */

export interface CopyTiming {
  /** A host that has not taken a download in this time is gone: its transfer queue takes every job at once. */
  readonly takeMs: number;
  /** A host that has not been heard of for this long in the middle of a download is gone. */
  readonly heartbeatMs: number;
  /** A host that has not taken a short job in this time is passed over. */
  readonly quickTakeMs: number;
  /** Between tries while no host can do it: at first, and at most. */
  readonly hostWait: Growing;
  /** Between tries while the pool has no room. */
  readonly spaceWait: Growing;
  /** Before each further try of a source that failed in a way that passes; when all are used up, it is given up. */
  readonly sourceWaitsMs: readonly number[];
  /** Between tries of a source that asks for patience without saying how much. */
  readonly throttleWait: Growing;
  /** After how many of those it is given up. */
  readonly throttleRounds: number;
  /** The longest that a source can make us wait at a time. */
  readonly throttleMostMs: number;
  /** A pool's report older than this is asked for anew before space is reserved on it. */
  readonly reportFreshMs: number;
}

/** A wait that doubles from `firstMs` to `mostMs`. */
export interface Growing {
  readonly firstMs: number;
  readonly mostMs: number;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;

export const COPY_TIMING: CopyTiming = {
  takeMs: 30 * SECOND,
  heartbeatMs: 30 * SECOND,
  quickTakeMs: 5 * SECOND,
  hostWait: { firstMs: 5 * SECOND, mostMs: 15 * SECOND },
  spaceWait: { firstMs: 15 * SECOND, mostMs: MINUTE },
  sourceWaitsMs: [2 * SECOND, 10 * SECOND, 30 * SECOND, MINUTE],
  throttleWait: { firstMs: 10 * SECOND, mostMs: 5 * MINUTE },
  throttleRounds: 12,
  throttleMostMs: 60 * MINUTE,
  reportFreshMs: 10 * SECOND,
};

export interface RegistrationTiming {
  /** From the start of the registration until its probes must have answered: callers give up after 10 s. */
  readonly budgetMs: number;
  /** A host that has not taken the probe in this time is passed over for another. */
  readonly takeMs: number;
  /** So is one that took it and was not heard of for this long: it froze, or its network did. */
  readonly silentMs: number;
  /** What a probe needs at least to be worth sending. */
  readonly leastMs: number;
}

export const REGISTRATION_TIMING: RegistrationTiming = {
  budgetMs: 6.5 * SECOND,
  takeMs: 2 * SECOND,
  silentMs: 2.5 * SECOND,
  leastMs: SECOND,
};

export interface UpkeepTiming {
  /** Between looks at the hosts' signs of life. */
  readonly watchEveryMs: number;
  /** Between rounds of repairs and reports. */
  readonly roundMs: number;
  /** What was left alone for so long may need repair. */
  readonly idleMs: number;
  /** A host's report older than this is asked for anew. */
  readonly reportMs: number;
}

export const UPKEEP_TIMING: UpkeepTiming = {
  watchEveryMs: 5 * SECOND,
  roundMs: MINUTE,
  idleMs: 30 * SECOND,
  reportMs: MINUTE,
};

/** @param round 0 for the first wait */
export const growing = ({ firstMs, mostMs }: Growing, round: number): number =>
  Math.min(mostMs, firstMs * 2 ** Math.min(round, 20));
