import { throughput } from '../../bench/load.ts';

const { signal } = new AbortController();

it('does the given number of jobs, never more at a time than the limit', async () => {
  let [running, most, done] = [0, 0, 0];
  const job = async (): Promise<void> => {
    most = Math.max(most, (running += 1));
    await new Promise(setImmediate);
    running -= 1;
    done += 1;
  };
  const { perSecond, milliseconds } = await throughput({ count: 20, concurrency: 3 }, job, signal);
  expect([most, done]).toEqual([3, 20]);
  expect(perSecond).toBeGreaterThan(0);
  expect(milliseconds).toBeGreaterThan(0);
});

it('counts failed jobs separately', async () => {
  let begun = 0;
  const job = (): Promise<void> =>
    (begun += 1) % 2 === 0 ? Promise.resolve() : Promise.reject(new Error(`no host for ${begun}`));
  const { failures } = await throughput({ count: 4, concurrency: 1 }, job, signal);
  expect(failures).toEqual(['no host for 1', 'no host for 3']);
});

it('fails when every job fails', async () => {
  const job = jest.fn(() => Promise.reject(new Error('no host')));
  await expect(throughput({ count: 3, concurrency: 2 }, job, signal)).rejects.toThrow(
    'All 3 failed: no host',
  );
  expect(job).toHaveBeenCalledTimes(3);
});

it('ends when its signal aborts', async () => {
  const stopping = new AbortController();
  const job = jest.fn(() => Promise.resolve(stopping.abort(new Error('enough'))));
  await expect(throughput({ count: 9, concurrency: 1 }, job, stopping.signal)).rejects.toThrow('enough');
  expect(job).toHaveBeenCalledTimes(1);
});
