import { NEW_HISTORY } from '../../model/decisions.ts';
import type { Decision, History } from '../../model/decisions.ts';
import { failures } from '../../model/failures.ts';
import type { FailureKind } from '../../model/failures.ts';
import { CURRENT_TIMING, rulesOf } from '../../model/rules/released.ts';
import { backoffMs } from '../../model/timing.ts';

const COPY_TIMING = CURRENT_TIMING.copy;
const { decide } = rulesOf(1);

interface Attempted {
  readonly hostId?: string;
  readonly position?: number;
  readonly retryAfterMs?: number;
}

const after = (kind: FailureKind, history: History = NEW_HISTORY, attempt: Attempted = {}): Decision => {
  const { hostId = 'h1', position = 0, retryAfterMs } = attempt;
  const failure = { kind, message: 'm', ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  return decide({ failure, hostId, position, size: 10_000 }, history, COPY_TIMING).decision;
};

const learnt = (decision: Decision): History => {
  if (decision.next === 'stop') throw new Error('it stopped');
  return decision.history;
};

/** How long it waits before each try until it gives up. */
function waits(kind: FailureKind, position = (_round: number) => 0): readonly (number | 'stop')[] {
  const waitsMs: (number | 'stop')[] = [];
  let history = NEW_HISTORY;
  while (waitsMs.length < 20) {
    const decision = after(kind, history, { position: position(waitsMs.length) });
    if (decision.next === 'stop') return [...waitsMs, 'stop'];
    waitsMs.push(decision.afterMs);
    history = decision.history;
  }
  return waitsMs;
}

test('every class of failure has an action', () => {
  for (const kind of Object.keys(failures) as FailureKind[]) expect(after(kind)).toBeDefined();
});

test.each(['ChecksumMismatch', 'FormatMismatch', 'HostileImage', 'SizeMismatch', 'Unsupported'] as const)(
  '%s is not tried again',
  (kind) => {
    expect(after(kind)).toEqual({ next: 'stop' });
  },
);

test.each(['NotFound', 'Refused', 'NotAllowed', 'TlsFailed', 'SourceChanged', 'MetalinkInvalid'] as const)(
  'a source that is %s stays so',
  (kind) => {
    expect(after(kind)).toEqual({ next: 'stop' });
  },
);

test.each(['ServerError', 'ConnectionLost', 'Stalled', 'Unreachable'] as const)(
  '%s is given a few rounds, each later than the one before',
  (kind) => {
    expect(waits(kind)).toEqual([...COPY_TIMING.sourceWaitsMs, 'stop']);
  },
);

test('a source that makes progress is never given up', () => {
  expect(waits('ConnectionLost', (round) => (round + 1) * 100)).not.toContain('stop');
});

test('a few bytes that are fetched again and again are no progress', () => {
  expect(waits('ConnectionLost', () => 99).at(-1)).toBe('stop');
});

test('small gains add up to progress', () => {
  expect(waits('ConnectionLost', (round) => (round + 1) * 50)).not.toContain('stop');
});

test('a host that is gone is passed over at once, and chosen again only after a wait', () => {
  const first = after('HostGone');
  expect(first).toMatchObject({ next: 'again', afterMs: 0 });
  expect(learnt(first).avoided).toEqual(['h1']);
  const second = after('HostGone', learnt(first), { hostId: 'h2' });
  expect(learnt(second).avoided).toEqual(['h1', 'h2']);
  const third = after('HostGone', learnt(second));
  expect(third).toMatchObject({ afterMs: COPY_TIMING.hostWait.firstMs });
  expect(learnt(third).avoided).toEqual(['h2', 'h1']);
});

test.each(['DiskBroken', 'PoolNotMounted', 'ProgramMissing', 'SealBroken', 'HostFault'] as const)(
  'a host with %s is not chosen again',
  (kind) => {
    const decision = after(kind);
    expect(decision).toMatchObject({ next: 'again', afterMs: 0 });
    expect(learnt(decision)).toMatchObject({ excluded: ['h1'], avoided: [] });
  },
);

test('where the network of the host may be the cause, another host is chosen first', () => {
  expect(learnt(after('Unreachable')).avoided).toEqual(['h1']);
  expect(learnt(after('ServerError')).avoided).toEqual([]);
});

test('a source gets the time that it asks for, up to an hour, however often', () => {
  expect(after('Throttled', NEW_HISTORY, { retryAfterMs: 120_000 })).toMatchObject({ afterMs: 120_000 });
  expect(after('Throttled', NEW_HISTORY, { retryAfterMs: 90_000_000 })).toMatchObject({ afterMs: 3_600_000 });
  expect(after('Throttled', NEW_HISTORY, { retryAfterMs: 0 })).toMatchObject({ afterMs: 1000 });
});

test('a source that says "at once" again and again is tried less and less often, until the file makes progress', () => {
  let history = NEW_HISTORY;
  const waitsMs: number[] = [];
  for (let round = 0; round < 12; round += 1) {
    const decision = after('Throttled', history, { retryAfterMs: 0 });
    history = learnt(decision);
    waitsMs.push(decision.next === 'again' ? decision.afterMs : 0);
  }
  expect(waitsMs.slice(0, 4)).toEqual([1000, 2000, 4000, 8000]);
  expect(waitsMs.at(-1)).toBe(COPY_TIMING.throttleWait.mostMs);
  expect(after('Throttled', history, { retryAfterMs: 600_000 })).toMatchObject({ afterMs: 600_000 });
  expect(after('Throttled', history, { retryAfterMs: 0, position: 5000 })).toMatchObject({ afterMs: 1000 });
});

test('a throttling source that gives no time is tried less and less often, then given up', () => {
  const waitsMs = waits('Throttled');
  expect(waitsMs).toHaveLength(COPY_TIMING.throttleRounds + 1);
  expect(waitsMs.slice(0, 3)).toEqual([10_000, 20_000, 40_000]);
  expect(waitsMs.at(-2)).toBe(COPY_TIMING.throttleWait.mostMs);
});

test('a deployment waits for space as long as it takes', () => {
  const waitsMs = waits('NoSpace');
  expect(waitsMs).not.toContain('stop');
  expect(waitsMs.slice(0, 4)).toEqual([15_000, 30_000, 60_000, 60_000]);
});

test('a wait grows to its limit', () => {
  expect([0, 1, 2, 3, 1000].map((round) => backoffMs({ firstMs: 5, mostMs: 15 }, round))).toEqual([
    5, 10, 15, 15, 15,
  ]);
});
