import { fewAtATime } from '../../ui/api/few-at-a-time.ts';

test('calls are limited in number, and the results keep the order of the items, failures included', async () => {
  let open = 0;
  let most = 0;
  const results = await fewAtATime(
    Array.from({ length: 100 }, (_, at) => at),
    async (at) => {
      open += 1;
      most = Math.max(most, open);
      await new Promise((resolve) => void setImmediate(resolve));
      open -= 1;
      if (at % 10 === 3) throw new Error(`not ${at}`);
      return at * 2;
    },
  );
  expect(most).toBe(6);
  expect(results).toHaveLength(100);
  expect(results[99]).toEqual({ status: 'fulfilled', value: 198 });
  expect(results[93]).toEqual({ status: 'rejected', reason: new Error('not 93') });
  expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(10);
});

test('an empty list has no results', async () => {
  expect(await fewAtATime([], () => Promise.reject(new Error('never')))).toEqual([]);
});
