import { watchBody } from '../../../../images/fetch/network/body-watch.ts';
import type { ImageError } from '../../../../model/failures.ts';

const settings = { idleMs: 60_000, minimumRate: 1_000_000, minimumRateMs: 5 };

/** Resolves when a body that gives so few bytes was found too slow. */
const tooSlow = (changes: Partial<typeof settings> = {}, bytes = 0): Promise<ImageError> =>
  new Promise((resolve) => {
    // The watch does not keep a process alive by itself.
    const keepAlive = setInterval(() => undefined, 1000);
    const watch = watchBody({ ...settings, ...changes }, { paused: false }, (error) => {
      clearInterval(keepAlive);
      watch.stop();
      resolve(error);
    });
    watch.count(bytes);
  });

test('a body that gives too little is Stalled, and the limit is named', async () => {
  expect(await tooSlow()).toMatchObject({
    kind: 'Stalled',
    message: 'sent only 0 bytes in 5 ms (minimum rate: 1000000 bytes/s)',
  });
  expect((await tooSlow({}, 1)).message).toMatch(/^sent only 1 byte in 5 ms/);
});

test('a body that gives nothing is Stalled, whatever the minimum rate', async () => {
  expect(await tooSlow({ minimumRate: 0, idleMs: 5 })).toMatchObject({
    kind: 'Stalled',
    message: 'stopped sending: nothing came for 5 ms (idle limit)',
  });
});

test('a reader that does not keep up is no fault of the source', async () => {
  const found: ImageError[] = [];
  const watch = watchBody({ ...settings, idleMs: 5 }, { paused: true }, (error) => void found.push(error));
  await tooSlow({ minimumRateMs: 100 });
  watch.stop();
  expect(found).toEqual([]);
});

test('no minimum means no watch', async () => {
  const found: ImageError[] = [];
  const watch = watchBody({ ...settings, minimumRate: 0 }, { paused: false }, (e) => void found.push(e));
  await tooSlow({ minimumRateMs: 50 });
  watch.stop();
  expect(found).toEqual([]);
});
