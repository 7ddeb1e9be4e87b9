import { watchRate } from '../../../images/sources/minimum-rate.ts';
import type { ImageError } from '../../../model/failures.ts';

const settings = { minimumRate: 1_000_000, minimumRateMs: 5 };

/** Resolves when a body that gives nothing was found too slow. */
const tooSlow = (changes: Partial<typeof settings> = {}): Promise<ImageError> =>
  new Promise((resolve) => {
    // The watch does not keep a process alive by itself.
    const keepAlive = setInterval(() => undefined, 1000);
    const watch = watchRate({ ...settings, ...changes }, { paused: false }, (error) => {
      clearInterval(keepAlive);
      watch.stop();
      resolve(error);
    });
  });

test('a body that gives nothing is Stalled', async () => {
  expect(await tooSlow()).toMatchObject({ kind: 'Stalled', message: 'sent only 0 bytes in 0 s' });
});

test('a reader that does not keep up is no fault of the source', async () => {
  const found: ImageError[] = [];
  const watch = watchRate(settings, { paused: true }, (error) => void found.push(error));
  await tooSlow({ minimumRateMs: 100 });
  watch.stop();
  expect(found).toEqual([]);
});

test('no minimum means no watch', async () => {
  const found: ImageError[] = [];
  const watch = watchRate({ ...settings, minimumRate: 0 }, { paused: false }, (e) => void found.push(e));
  await tooSlow({ minimumRateMs: 50 });
  watch.stop();
  expect(found).toEqual([]);
});
