import { throughput } from '../../bench/load.ts';

it('does so many jobs, never more at a time than told', async () => {
  let [running, most, done] = [0, 0, 0];
  const job = async (): Promise<void> => {
    most = Math.max(most, (running += 1));
    await new Promise(setImmediate);
    running -= 1;
    done += 1;
  };
  const { perSecond, milliseconds } = await throughput({ count: 20, concurrency: 3 }, job);
  expect([most, done]).toEqual([3, 20]);
  expect(perSecond).toBeGreaterThan(0);
  expect(milliseconds).toBeGreaterThan(0);
});

it('fails with a job', async () => {
  await expect(
    throughput({ count: 3, concurrency: 2 }, () => Promise.reject(new Error('no host'))),
  ).rejects.toThrow('no host');
});
