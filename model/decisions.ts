/** What a deployment does after a download failed: the one place where a class of failure becomes an action. */
import { failures } from './failures.ts';
import type { Failure, FailureClass, FailureKind } from './failures.ts';
import { growing } from './timing.ts';
import type { CopyTiming } from './timing.ts';

/** What a deployment remembers of its failed downloads. */
export interface History {
  /** Hosts that cannot do it: never asked again by this run. */
  readonly excluded: readonly string[];
  /** Hosts that failed in a way that may pass: asked when no other is there, the longest ago first. */
  readonly avoided: readonly string[];
  /** Failures of the source in a row that brought the file no further. */
  readonly sourceRounds: number;
  readonly goneRounds: number;
  readonly throttleRounds: number;
  /** Waits that the source asked for, in a row. */
  readonly askedRounds?: number;
  readonly spaceRounds: number;
  /** Bytes that lay on the pool when progress was last seen. */
  readonly farthest: number;
}

const NO_ROUNDS = { sourceRounds: 0, goneRounds: 0, throttleRounds: 0, askedRounds: 0, spaceRounds: 0 };

export const FRESH: History = {
  excluded: [],
  avoided: [],
  ...NO_ROUNDS,
  farthest: 0,
};

export interface FailedDownload {
  readonly failure: Failure;
  readonly hostId: string;
  /** Bytes of the file that lie on the pool now. */
  readonly position: number;
  /** Bytes of the whole file; 0 when unknown. */
  readonly size: number;
}

export type Decision =
  | { readonly next: 'stop' }
  /** Try once more, after so long, with what was learnt. */
  | { readonly next: 'again'; readonly afterMs: number; readonly history: History };

/** Failures of a source that often pass; after the others of the class `source` it is the same next time. */
const PASSING: ReadonlySet<FailureKind> = new Set([
  'ServerError',
  'Unreachable',
  'ConnectionLost',
  'Stalled',
]);
/** Of those, the ones for which this host's network may be the cause. */
const MAYBE_THE_HOST: ReadonlySet<FailureKind> = new Set(['Unreachable']);
/** Failures of a host that may pass: it comes back, or is not the one that failed. */
const MAY_PASS: ReadonlySet<FailureKind> = new Set(['HostGone', 'NotSigned']);
/** What brings a file on by less than this part of it is no progress: it might go on like that for ever. */
const PROGRESS = 0.01;

type Rule = (failed: FailedDownload, history: History, timing: CopyTiming) => Decision;

const STOP: Decision = { next: 'stop' };
const again = (afterMs: number, history: History): Decision => ({ next: 'again', afterMs, history });

const RULES: Readonly<Record<FailureClass, Rule>> = {
  source: afterSourceFailed,
  // The host has tried another mirror already; the same bytes would come again.
  content: () => STOP,
  request: () => STOP,
  host: afterHostFailed,
  time: afterThrottled,
  space: (_failed, history, timing) =>
    again(growing(timing.spaceWait, history.spaceRounds), {
      ...history,
      spaceRounds: history.spaceRounds + 1,
    }),
};

export const decide: Rule = (failed, history, timing) =>
  RULES[failures[failed.failure.kind].class](failed, withProgress(failed, history), timing);

function withProgress({ position, size }: FailedDownload, history: History): History {
  if (position - history.farthest < Math.max(1, size * PROGRESS)) return history;
  return { ...history, ...NO_ROUNDS, farthest: position };
}

function afterSourceFailed(
  { failure, hostId }: FailedDownload,
  history: History,
  timing: CopyTiming,
): Decision {
  const afterMs = timing.sourceWaitsMs[history.sourceRounds];
  if (!PASSING.has(failure.kind) || afterMs === undefined) return STOP;
  const next = { ...history, sourceRounds: history.sourceRounds + 1 };
  return again(afterMs, MAYBE_THE_HOST.has(failure.kind) ? avoiding(next, hostId) : next);
}

function afterHostFailed(
  { failure, hostId }: FailedDownload,
  history: History,
  timing: CopyTiming,
): Decision {
  if (!MAY_PASS.has(failure.kind)) return again(0, excluding(history, hostId));
  // Another host at once; the same one again and again only with patience.
  if (!history.avoided.includes(hostId)) return again(0, avoiding(history, hostId));
  const next = { ...history, goneRounds: history.goneRounds + 1 };
  return again(growing(timing.hostWait, history.goneRounds), avoiding(next, hostId));
}

function afterThrottled({ failure }: FailedDownload, history: History, timing: CopyTiming): Decision {
  if (failure.retryAfterMs !== undefined) {
    // "Come back at once", again and again, would make us a hammer.
    const { askedRounds = 0 } = history;
    const { firstMs, mostMs } = timing.throttleWait;
    const afterMs = Math.max(failure.retryAfterMs, growing({ firstMs: firstMs / 10, mostMs }, askedRounds));
    return again(Math.min(afterMs, timing.throttleMostMs), { ...history, askedRounds: askedRounds + 1 });
  }
  if (history.throttleRounds >= timing.throttleRounds) return STOP;
  return again(growing(timing.throttleWait, history.throttleRounds), {
    ...history,
    throttleRounds: history.throttleRounds + 1,
  });
}

const avoiding = (history: History, hostId: string): History => ({
  ...history,
  avoided: [...history.avoided.filter((id) => id !== hostId), hostId],
});

const excluding = (history: History, hostId: string): History => ({
  ...history,
  excluded: [...history.excluded.filter((id) => id !== hostId), hostId],
});
