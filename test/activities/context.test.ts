import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { withHeartbeats } from '../../activities/context.ts';
import type { Heartbeat } from '../../activities/context.ts';
import { heartbeatIntervalMs, latestTriesThatFit } from '../../model/progress.ts';
import type { Phase } from '../../model/progress.ts';
import type { Try } from '../../model/payloads.ts';

interface PhaseReport {
  readonly phase: Phase;
}

const MINUTE = 60_000;

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

/** Beats of an activity that goes on until it is cancelled. */
async function beats(
  heartbeatTimeoutMs: number,
  quietMs = 0,
): Promise<{
  readonly count: (ms: number) => Promise<number>;
  readonly beat: Heartbeat<PhaseReport>;
  readonly end: () => Promise<unknown>;
}> {
  const environment = new MockActivityEnvironment(
    { heartbeatTimeoutMs },
    { logger: new DefaultLogger('ERROR') },
  );
  let seen = 0;
  environment.on('heartbeat', () => (seen += 1));
  let given: Heartbeat<PhaseReport> | undefined;
  const running = environment
    .run(() =>
      withHeartbeats<PhaseReport, never>(
        { phase: 'waiting' },
        (beat) => {
          given = beat;
          return new Promise((_resolve, reject) => {
            beat.signal.addEventListener('abort', () => reject(beat.signal.reason as Error));
          });
        },
        { everyMs: ({ phase }) => heartbeatIntervalMs(phase), quietMs },
      ),
    )
    .catch((error: unknown) => error);
  await jest.advanceTimersByTimeAsync(0);
  return {
    beat: given as unknown as Heartbeat<PhaseReport>,
    async count(ms) {
      const before = seen;
      await jest.advanceTimersByTimeAsync(ms);
      return seen - before;
    },
    end() {
      environment.cancel();
      return running;
    },
  };
}

test('a waiting download sends heartbeats every 10 s, a running one every 5 s, and a new phase at once', async () => {
  const { beat, count, end } = await beats(30_000);
  expect(await count(MINUTE)).toBe(6);
  beat.report({ phase: 'downloading' }, true);
  expect(await count(MINUTE)).toBe(12);
  beat.report({ phase: 'waiting' });
  beat.report({ phase: 'verifying' });
  expect(await count(MINUTE)).toBe(12);
  await end();
  expect(await count(MINUTE)).toBe(0);
});

test('a short heartbeat time-out is kept, whatever the phase', async () => {
  const { count, end } = await beats(3000);
  expect(await count(MINUTE)).toBe(60);
  await end();
});

test('what is reported in the quiet time is sent together at its end, and nothing of what ends before', async () => {
  const { beat, count, end } = await beats(30_000, 1000);
  beat.report({ phase: 'connecting' }, true);
  expect(await count(999)).toBe(0);
  beat.report({ phase: 'downloading' }, true);
  expect(await count(1)).toBe(1);
  // It is followed up, as all that is urgent.
  expect(await count(1000)).toBe(1);
  expect(await count(4999)).toBe(0);
  await end();
  const short = await beats(30_000, 1000);
  expect(await short.count(500)).toBe(0);
  await short.end();
  expect(await short.count(MINUTE)).toBe(0);
});

test('the quiet time is no longer than a third of the time-out', async () => {
  const { count, end } = await beats(900, 1000);
  expect(await count(300)).toBe(1);
  await end();
});

const tryOf = (at: number): Try => ({
  source: `http://m${at}/`,
  startedAt: new Date(0).toISOString(),
  endedAt: new Date(0).toISOString(),
  bytes: at,
  note: 'x'.repeat(1000),
});

test('a heartbeat carries the last tries, and not more than fit', () => {
  const latest = latestTriesThatFit(Array.from({ length: 64 }, (_, at) => tryOf(at)));
  expect(latest.map(({ bytes }) => bytes)).toEqual([57, 58, 59, 60, 61, 62, 63]);
  expect(latestTriesThatFit([tryOf(1)])).toEqual([tryOf(1)]);
});
