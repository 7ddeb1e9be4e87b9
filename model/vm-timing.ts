/**
 * How long the steps of a machine's workflow may take, and how long it waits, in milliseconds. The input of a run carries
 * its own values, which tests shorten.
 */
import type { Backoff } from './timing.ts';

export interface VmTiming {
  /** A host that has not taken a job of a machine in this time is gone. */
  readonly takeMs: number;
  /** How long a start may run on the host, and without a heartbeat. */
  readonly startRunMs: number;
  readonly heartbeatMs: number;
  /** How long a guest may take to shut down by ACPI before it is stopped by force. */
  readonly shutdownMs: number;
  /** How long a release, a change of the CD-ROM or a list of domains may run on the host. */
  readonly jobRunMs: number;
  /** Between reads of the database while the copy is under way; its workflow signals before. */
  readonly copyWait: Backoff;
  /** Between tries while no pool has room, or while a host that may still run the domain is Down. */
  readonly roomWait: Backoff;
  readonly hostWait: Backoff;
  /** Calls of a host that is away during another job than a start; a restart of the host worker takes fewer. */
  readonly mostHostRounds: number;
  /** A host that is lost so often during one start is passed over. */
  readonly mostLosses: number;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** Of runs whose input is of a release that did not have these. */
const NOT_IN_INPUT = { mostHostRounds: 5, mostLosses: 3 };

/** The timing of a run. @param given that of its input */
export const vmTimingOf = (given: VmTiming): VmTiming => ({ ...NOT_IN_INPUT, ...given });

/** The timing of new runs. */
export const VM_TIMING: VmTiming = {
  takeMs: 10 * SECOND,
  startRunMs: 10 * MINUTE,
  heartbeatMs: 30 * SECOND,
  shutdownMs: 2 * MINUTE,
  jobRunMs: MINUTE,
  copyWait: { firstMs: 5 * SECOND, mostMs: MINUTE },
  roomWait: { firstMs: 15 * SECOND, mostMs: MINUTE },
  hostWait: { firstMs: 5 * SECOND, mostMs: 30 * SECOND },
  mostHostRounds: 5,
  mostLosses: 3,
};
