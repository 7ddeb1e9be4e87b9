/**
 * Version 1 of the rules of deployments: the times of all workflows, and what follows a failed download.
 *
 * `decide` is a pure function. A failure of a known kind has that kind's class; a kind of a newer release is treated by the
 * class that came with it. When the file has grown by `PROGRESS` since the last progress, all counters of rounds begin anew.
 * Then the first rule of `RULES` that applies decides:
 *
 *   request, content   stop
 *   source             stop for kinds that do not pass; else `sourceWaitsMs`, one wait each round, then stop
 *   host               excluded for kinds that do not pass; else avoided: another host at once, the same one after a wait
 *   time               as long as the source asks, at most `throttleMostMs`; without a time, `throttleRounds` waits, then stop
 *   space              wait, without an end
 *
 * What must never happen: an edit of this file after its release. A run goes on, and is replayed, by the rules that its
 * input names, so that another decision would break it (test/model/rules.test.ts pins all of them by digest). A change is a
 * new version beside this one (model/rules/released.ts).
 */
import { NO_ROUNDS } from '../decisions.ts';
import type { Decided, Decision, FailedDownload, History } from '../decisions.ts';
import type { FailureClass } from '../failures.ts';
import { backoffMs } from '../timing.ts';
import type { CopyTiming, ReportsTiming, Timings } from '../timing.ts';
import type { Rules } from './rules.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const LOOK_AGAIN = { firstMs: 2 * SECOND, mostMs: 5 * MINUTE };

const reports: ReportsTiming = {
  roundMs: MINUTE,
  reportMs: MINUTE,
  reportMostMs: 5 * MINUTE,
  reportsAtLeast: 20,
  reportsAtOnce: 25,
  reportTakeMs: 5 * SECOND,
  reportRunMs: 15 * SECOND,
};

const timing: Timings = {
  copy: {
    takeMs: 30 * SECOND,
    heartbeatMs: 30 * SECOND,
    quickTakeMs: 5 * SECOND,
    reportRunMs: 15 * SECOND,
    removeRunMs: MINUTE,
    hostWait: { firstMs: 5 * SECOND, mostMs: 15 * SECOND },
    peerWait: { firstMs: SECOND, mostMs: 30 * SECOND },
    spaceWait: { firstMs: 15 * SECOND, mostMs: MINUTE },
    sourceWaitsMs: [2 * SECOND, 10 * SECOND, 30 * SECOND, MINUTE],
    throttleWait: { firstMs: 10 * SECOND, mostMs: 5 * MINUTE },
    throttleRounds: 12,
    throttleMostMs: 60 * MINUTE,
    reportFreshMs: 10 * SECOND,
    mostListeners: 32,
    peerProgress: 0.01,
    mostFailedPeers: 8,
  },
  registration: {
    budgetMs: 6.5 * SECOND,
    patienceMs: 10 * MINUTE,
    takeMs: 2 * SECOND,
    silentMs: 2.5 * SECOND,
    leastMs: SECOND,
    marginMs: SECOND / 2,
    mostRenewals: 2,
  },
  upkeep: {
    watchEveryMs: 5 * SECOND,
    watchMs: 10 * MINUTE,
    idleMs: 30 * SECOND,
    ...reports,
  },
  reports,
  keystore: { takeMs: 5 * SECOND, runMs: MINUTE, mostLooks: 50, mostListeners: 32 },
  certificate: { hostsAtOnce: 20, lookAgain: LOOK_AGAIN },
  deletion: { lookAgain: LOOK_AGAIN },
  limits: { takeMs: 5 * SECOND, runMs: 15 * SECOND },
  join: { lookAgain: LOOK_AGAIN },
  peers: {
    takeMs: 10 * SECOND,
    runMs: 30 * SECOND,
    hostsAtOnce: 100,
    bytesAtOnce: 2_000_000,
    mostSends: 3,
  },
  verification: {
    takeMs: 30 * SECOND,
    runMs: 240 * MINUTE,
    silentMs: 30 * SECOND,
    again: { firstMs: 10 * SECOND, mostMs: 10 * MINUTE },
    mostTries: 20,
  },
  verifications: { hostsAtOnce: 50, mostTries: 2, patience: 4 },
  domains: { mostLooks: 20 },
  cleanup: {
    takeMs: 10 * SECOND,
    runMs: 30 * MINUTE,
    silentMs: 30 * SECOND,
    hostsAtOnce: 25,
    filesAtOnce: 500,
  },
};

/** Kinds of failures as of this version. A newer kind counts as the kind that `GENERIC` has for its class. */
const CLASSES: Readonly<Record<string, FailureClass>> = {
  NotFound: 'source',
  Refused: 'source',
  ServerError: 'source',
  Unreachable: 'source',
  TlsFailed: 'source',
  ConnectionLost: 'source',
  Stalled: 'source',
  ProtocolError: 'source',
  TooManyRedirects: 'source',
  NotAllowed: 'source',
  MetalinkInvalid: 'source',
  SourceChanged: 'source',
  ChecksumMismatch: 'content',
  SizeMismatch: 'content',
  ContentRefused: 'content',
  FormatMismatch: 'content',
  DamagedArchive: 'content',
  HostileArchive: 'content',
  HostileImage: 'content',
  HostGone: 'host',
  PoolNotMounted: 'host',
  DiskBroken: 'host',
  ProgramMissing: 'host',
  HostFault: 'host',
  NotSigned: 'host',
  SealBroken: 'host',
  Throttled: 'time',
  NoSpace: 'space',
  Unsupported: 'request',
};
const GENERIC: Readonly<Record<FailureClass, string>> = {
  source: 'ServerError',
  content: 'ContentRefused',
  host: 'HostFault',
  time: 'Throttled',
  space: 'NoSpace',
  request: 'Unsupported',
};

/** Failures of a source that often pass; the other kinds of the class `source` repeat. */
const PASSING: ReadonlySet<string> = new Set(['ServerError', 'Unreachable', 'ConnectionLost', 'Stalled']);
/** Kinds of `PASSING` whose cause may be the network of the host. */
const MAYBE_THE_HOST: ReadonlySet<string> = new Set(['Unreachable']);
/** Failures of a host that may pass: the host comes back, or somebody else answered in its name. */
const MAY_PASS: ReadonlySet<string> = new Set(['HostGone', 'NotSigned']);
/** Part of the file that counts as progress: with less, a deployment could go on for ever. */
const PROGRESS = 0.01;

interface Case {
  readonly kind: string;
  readonly class: FailureClass;
  readonly hostId: string;
  readonly retryAfterMs: number | undefined;
  readonly history: History;
  readonly timing: CopyTiming;
}

interface Rule {
  readonly name: string;
  readonly applies: (failed: Case) => boolean;
  readonly decide: (failed: Case) => Decision;
}

const STOP: Decision = { next: 'stop' };
const stop = (): Decision => STOP;
const again = (afterMs: number, history: History): Decision => ({ next: 'again', afterMs, history });

const avoiding = (history: History, hostId: string): History => ({
  ...history,
  avoided: [...history.avoided.filter((id) => id !== hostId), hostId],
});

/** The first rule that applies decides. */
const RULES: readonly Rule[] = [
  { name: 'the request is wrong', applies: (one) => one.class === 'request', decide: stop },
  // The host has tried another mirror already, and the same bytes would come again.
  { name: 'the content is wrong', applies: (one) => one.class === 'content', decide: stop },
  {
    name: 'the source stays as it is',
    applies: (one) => one.class === 'source' && !PASSING.has(one.kind),
    decide: stop,
  },
  {
    name: 'the source has had its rounds',
    applies: ({ history, timing: { sourceWaitsMs }, ...one }) =>
      one.class === 'source' && sourceWaitsMs[history.sourceRounds] === undefined,
    decide: stop,
  },
  {
    name: 'the source, from another host',
    applies: (one) => one.class === 'source' && MAYBE_THE_HOST.has(one.kind),
    decide: (one) => again(sourceWait(one), avoiding(nextSourceRound(one), one.hostId)),
  },
  {
    name: 'the source again',
    applies: (one) => one.class === 'source',
    decide: (one) => again(sourceWait(one), nextSourceRound(one)),
  },
  {
    name: 'the host cannot',
    applies: (one) => one.class === 'host' && !MAY_PASS.has(one.kind),
    decide: ({ history, hostId }) =>
      again(0, { ...history, excluded: [...history.excluded.filter((id) => id !== hostId), hostId] }),
  },
  {
    // Another host is tried at once; a host that failed before gets the waits of the next rule.
    name: 'another host',
    applies: (one) => one.class === 'host' && !one.history.avoided.includes(one.hostId),
    decide: ({ history, hostId }) => again(0, avoiding(history, hostId)),
  },
  {
    name: 'the host again',
    applies: (one) => one.class === 'host',
    decide: ({ history, hostId, timing: { hostWait } }) =>
      again(
        backoffMs(hostWait, history.goneRounds),
        avoiding({ ...history, goneRounds: history.goneRounds + 1 }, hostId),
      ),
  },
  {
    // The wait grows even when the source says "come back at once": we must not hammer it.
    name: 'as long as the source asks',
    applies: (one) => one.class === 'time' && one.retryAfterMs !== undefined,
    decide: ({ history, retryAfterMs = 0, timing: { throttleWait, throttleMostMs } }) => {
      const { askedRounds = 0 } = history;
      const { firstMs, mostMs } = throttleWait;
      const afterMs = Math.max(retryAfterMs, backoffMs({ firstMs: firstMs / 10, mostMs }, askedRounds));
      const next = { ...history, askedRounds: askedRounds + 1 };
      return { ...again(Math.min(afterMs, throttleMostMs), next), patient: true };
    },
  },
  {
    name: 'the source has asked for patience too often',
    applies: ({ history, timing: { throttleRounds }, ...one }) =>
      one.class === 'time' && history.throttleRounds >= throttleRounds,
    decide: stop,
  },
  {
    name: 'patience with the source',
    applies: (one) => one.class === 'time',
    decide: ({ history, timing: { throttleWait } }) => ({
      ...again(backoffMs(throttleWait, history.throttleRounds), {
        ...history,
        throttleRounds: history.throttleRounds + 1,
      }),
      patient: true,
    }),
  },
  {
    name: 'until there is room',
    applies: () => true,
    decide: ({ history, timing: { spaceWait } }) =>
      again(backoffMs(spaceWait, history.spaceRounds), { ...history, spaceRounds: history.spaceRounds + 1 }),
  },
];

const sourceWait = ({ history, timing: { sourceWaitsMs } }: Case): number =>
  sourceWaitsMs[history.sourceRounds] ?? 0;

const nextSourceRound = ({ history }: Case): History => ({
  ...history,
  sourceRounds: history.sourceRounds + 1,
});

function decide(failed: FailedDownload, before: History, copyTiming: CopyTiming): Decided {
  const { failure, hostId, position, size } = failed;
  const progressed = position - before.farthest >= Math.max(1, size * PROGRESS);
  const failureClass = CLASSES[failure.kind] ?? failure.class ?? 'host';
  const one: Case = {
    kind: CLASSES[failure.kind] === undefined ? GENERIC[failureClass] : failure.kind,
    class: failureClass,
    hostId,
    retryAfterMs: failure.retryAfterMs,
    history: progressed ? { ...before, ...NO_ROUNDS, farthest: position } : before,
    timing: copyTiming,
  };
  const rule = RULES.find(({ applies }) => applies(one)) as Rule;
  return { rule: rule.name, progressed, decision: rule.decide(one) };
}

export const VERSION_1: Rules = {
  version: 1,
  timing,
  decide,
  branches: RULES.map(({ name }) => name),
  kinds: Object.keys(CLASSES),
};
