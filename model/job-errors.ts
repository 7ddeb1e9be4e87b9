/** Why a job failed, as one word: the kind of a failure of the image, or one of the words below. */
import { failures, isFailureKind } from './failures.ts';
import type { FailureKind } from './failures.ts';

/** Kinds that no failure of an image has, and what a person can do. */
const otherKinds = {
  /** Somebody stopped the work, or ended its workflow in Temporal. */
  Cancelled: 'deploy it again if it is still wanted',
  /** What the job works on is gone. */
  NotPossible: 'see whether the template and the pool are still there',
  /** No host can run the machine. */
  NoHost: 'choose another offering, or add a host or room on a pool',
} as const;

export type JobErrorKind = FailureKind | keyof typeof otherKinds;

/** @returns undefined for a kind that this release does not know */
export function adviceOn(kind: string): string | undefined {
  if (isFailureKind(kind)) return failures[kind].advice;
  return Object.entries(otherKinds).find(([name]) => name === kind)?.[1];
}
