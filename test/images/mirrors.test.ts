import { firstThatWorks, orderMirrors, verdict } from '../../images/mirrors.ts';
import { ImageError } from '../../model/failures.ts';
import type { FailureKind } from '../../model/failures.ts';
import { mirror } from '../support/download-lab.ts';

const [a, b, c] = [mirror('http://a/', 2), mirror('http://b/', 1), mirror('http://c/', 3)];
const failure = (kind: FailureKind, retryAfterMs?: number): ImageError =>
  new ImageError(kind, kind, retryAfterMs === undefined ? {} : { retryAfterMs });

test('mirrors go by priority, but one whose bytes lie here goes first', () => {
  expect(orderMirrors([a, b, c], undefined)).toEqual([b, a, c]);
  expect(orderMirrors([a, b, c], 'http://c/')).toEqual([c, b, a]);
  expect(orderMirrors([a, b, c], 'http://elsewhere/')).toEqual([b, a, c]);
});

/** Each mirror fails with its kind, or works where it has none; gives the verdict and who was asked. */
async function tryAll(...kinds: readonly (FailureKind | undefined)[]): Promise<[unknown, number]> {
  let asked = 0;
  const mirrors = kinds.map((_, index) => mirror(`http://m${index}/`, index));
  const result = await firstThatWorks(mirrors, async () => {
    const kind = kinds[asked];
    asked += 1;
    if (kind === undefined) return 'works';
    throw failure(kind);
  }).catch((error: unknown) => (error as ImageError).kind);
  return [result, asked];
}

describe('trying them', () => {
  test.each<[readonly (FailureKind | undefined)[], string, number]>([
    [[undefined, undefined], 'works', 1],
    [['NotFound', 'Stalled', undefined], 'works', 3],
    [['Throttled', undefined], 'works', 2],
    [['ChecksumMismatch', undefined], 'works', 2],
    [['ChecksumMismatch', 'NotFound', undefined], 'ChecksumMismatch', 2],
    [['ChecksumMismatch', 'HostileImage', undefined], 'ChecksumMismatch', 2],
    [['NotFound', 'ChecksumMismatch', undefined], 'works', 3],
    [['NoSpace', undefined], 'NoSpace', 1],
    [['PoolNotMounted', undefined], 'PoolNotMounted', 1],
    [['NotFound', 'DiskBroken', undefined], 'DiskBroken', 2],
    [[], 'NotFound', 0],
  ])('that do %p ends with %s after %i', async (kinds, result, asked) => {
    expect(await tryAll(...kinds)).toEqual([result, asked]);
  });

  test('an error that is none of the known ones is given back at once', async () => {
    const bug = new TypeError('bug');
    await expect(firstThatWorks([a, b], () => Promise.reject(bug))).rejects.toBe(bug);
  });
});

describe('the verdict over all that failed', () => {
  test('wrong content says more than a dead mirror', () => {
    expect(verdict([failure('ChecksumMismatch'), failure('NotFound')]).kind).toBe('ChecksumMismatch');
  });

  test('of those who ask for patience the soonest counts', () => {
    const found = verdict([failure('Throttled', 9000), failure('NotFound'), failure('Throttled', 4000)]);
    expect(found).toMatchObject({ kind: 'Throttled', retryAfterMs: 4000 });
    expect(verdict([failure('Throttled'), failure('Throttled', 5)]).retryAfterMs).toBe(5);
  });

  test('a broken transfer, which may go on, says more than one that never began', () => {
    expect(verdict([failure('ConnectionLost'), failure('NotFound')]).kind).toBe('ConnectionLost');
    expect(verdict([failure('Refused'), failure('NotFound')]).kind).toBe('NotFound');
  });
});
