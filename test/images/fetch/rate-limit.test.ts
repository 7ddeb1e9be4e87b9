import { createRateLimit } from '../../../images/fetch/rate-limit.ts';

const { signal } = new AbortController();
const MIB = 1_048_576;

test('without a limit nobody waits', async () => {
  const limit = createRateLimit();
  for (let n = 0; n < 1000; n += 1) await limit.take(100 * MIB, signal);
});

test('so many bytes take so long, over all who take', async () => {
  const limit = createRateLimit(10 * MIB);
  const start = performance.now();
  // The first one pays at once, so that nine of ten are waited for.
  await Promise.all(Array.from({ length: 10 }, () => limit.take(MIB / 4, signal)));
  expect(performance.now() - start).toBeGreaterThanOrEqual(200);
});

test('a limit that is raised or lifted lets go of who waits', async () => {
  const limit = createRateLimit(1);
  await limit.take(MIB, signal);
  const waiting = limit.take(1, signal);
  limit.setRate(0);
  await waiting;
});

test('who is aborted while it waits gets the reason', async () => {
  const limit = createRateLimit(1);
  await limit.take(MIB, signal);
  const aborter = new AbortController();
  const waiting = limit.take(1, aborter.signal);
  aborter.abort(new Error('stopped'));
  await expect(waiting).rejects.toThrow('stopped');
  await expect(limit.take(1, aborter.signal)).rejects.toThrow('stopped');
});

test('who came first goes first, so that nobody takes the share of another', async () => {
  const limit = createRateLimit(100 * MIB);
  const shares = [0, 0, 0];
  let left = 60;
  const taker = async (n: number): Promise<void> => {
    while (left > 0) {
      await limit.take(MIB, signal);
      left -= 1;
      shares[n] = (shares[n] ?? 0) + 1;
    }
  };
  await Promise.all(shares.map((_, n) => taker(n)));
  expect(Math.min(...shares)).toBeGreaterThanOrEqual(19);
});
