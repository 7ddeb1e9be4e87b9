import {
  afterConnection,
  afterRefusedFile,
  afterTransfer,
  fetchesPieceAgain,
  firstThatWorks,
  verdict,
} from '../../../../images/fetch/transfer/retries.ts';
import { RangeRefused } from '../../../../images/fetch/range.ts';
import { MirrorState } from '../../../../images/fetch/transfer/mirror-state.ts';
import { WrongPiece } from '../../../../images/fetch/transfer/pieces.ts';
import { ImageError } from '../../../../model/failures.ts';
import type { FailureKind } from '../../../../model/failures.ts';
import { mirror } from '../../../labs/download.ts';

const [a, b] = [mirror('http://a/', 2), mirror('http://b/', 1)];
const failure = (kind: FailureKind, retryAfterMs?: number): ImageError =>
  new ImageError(kind, kind, retryAfterMs === undefined ? {} : { retryAfterMs });

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

describe('mirrors that are tried one after the other', () => {
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
  ])('with the outcomes %p end with %s after %i tries', async (kinds, result, asked) => {
    expect(await tryAll(...kinds)).toEqual([result, asked]);
  });

  test('an unexpected error of one mirror is thrown at once', async () => {
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

/** A mirror that has open connections, and has sent so many bytes. */
function mirrorWith({ connections = 0, bytes = 0, ranges = true } = {}): MirrorState {
  const state = new MirrorState(a);
  for (let count = 0; count < connections; count += 1) state.connectionStarted();
  if (bytes > 0) state.received(bytes);
  if (ranges) state.rangeGiven();
  return state;
}
const TOTAL = 1000;
const refused = (options: { readonly changed?: boolean; readonly byStatus?: boolean } = {}): RangeRefused =>
  new RangeRefused('gives no parts', { changed: false, ...options });

const afterFailure = (
  error: unknown,
  state: MirrorState = mirrorWith(),
  changes: Partial<Parameters<typeof afterConnection>[1]> = {},
) =>
  afterConnection(error, {
    mirror: state,
    flowing: true,
    openedAt: performance.now(),
    total: TOTAL,
    othersMayContinue: true,
    ...changes,
  });

describe('after a connection has failed', () => {
  test.each<[FailureKind, string]>([
    ['NoSpace', 'end transfer'],
    ['HostGone', 'end transfer'],
    ['FormatMismatch', 'end transfer'],
    ['NotFound', 'drop mirror'],
    ['NotAllowed', 'drop mirror'],
    ['Throttled', 'throttle mirror'],
    ['ServerError', 'drop barren mirror'],
    ['Unsupported', 'drop barren mirror'],
  ])('with %s, the transfer does: %s', (kind, decision) => {
    expect(afterFailure(failure(kind))).toBe(decision);
  });

  test('an error of another kind ends the transfer', () => {
    expect(afterFailure(new TypeError('bug'))).toBe('end transfer');
  });

  test('a mirror is forgiven if it sent a hundredth of the file since its last failure', () => {
    const state = mirrorWith({ bytes: TOTAL / 100 });
    expect(afterFailure(failure('ConnectionLost'), state)).toBe('go on');
    state.noteFailure(failure('ConnectionLost'));
    const [before, after] = [state.lastFailedAt - 1, state.lastFailedAt + 1];
    expect(afterFailure(failure('ConnectionLost'), state, { openedAt: after })).toBe('drop barren mirror');
    // It was open already when the mirror failed: it says nothing new.
    expect(afterFailure(failure('ConnectionLost'), state, { openedAt: before })).toBe('go on');
  });

  test('a connection that brought nothing was one too many, if the mirror has others', () => {
    const state = mirrorWith({ connections: 1 });
    expect(afterFailure(failure('ConnectionLost'), state, { flowing: false })).toBe('throttle mirror');
    expect(afterFailure(failure('ConnectionLost'), state)).toBe('drop barren mirror');
  });

  test('a mirror that gives no parts keeps the connection that it has', () => {
    expect(afterFailure(refused(), mirrorWith({ connections: 1 }))).toBe('keep one connection');
    expect(afterFailure(refused({ changed: true }), mirrorWith({ connections: 1, ranges: false }))).toBe(
      'keep one connection',
    );
  });

  test('a mirror that gave parts and has another version of the file now is left, or all begins anew', () => {
    const state = mirrorWith({ connections: 1 });
    expect(afterFailure(refused({ changed: true }), state)).toBe('leave to others');
    expect(afterFailure(refused({ changed: true }), state, { othersMayContinue: false })).toBe('begin anew');
  });

  test('from a mirror that gave parts, a mere status does not mean that it gives none', () => {
    expect(
      afterFailure(refused({ byStatus: true }), mirrorWith({ connections: 1 }), { flowing: false }),
    ).toBe('throttle mirror');
    expect(afterFailure(refused({ byStatus: true }), mirrorWith({ connections: 1, ranges: false }))).toBe(
      'keep one connection',
    );
  });
});

test('a wrong piece is fetched again while a mirror may have it, once more than there are mirrors', () => {
  expect(fetchesPieceAgain(1, { all: 2, left: 1 })).toBe(true);
  expect(fetchesPieceAgain(3, { all: 2, left: 1 })).toBe(true);
  expect(fetchesPieceAgain(4, { all: 2, left: 1 })).toBe(false);
  expect(fetchesPieceAgain(1, { all: 2, left: 0 })).toBe(false);
});

/** A mirror whose strong entity tag is known. */
function tagged(): MirrorState {
  const state = mirrorWith();
  state.recall({ etag: '"1"' });
  return state;
}

const afterEnd = (
  error: unknown,
  lead: MirrorState = tagged(),
  changes: Partial<Parameters<typeof afterTransfer>[1]> = {},
) => afterTransfer(error, { lead, isAnew: false, gained: 10, total: TOTAL, pieces: false, ...changes });

describe('after a transfer has ended early', () => {
  test('the mirror is asked for the rest if its answer was cut short and brought a hundredth', () => {
    expect(afterEnd(failure('ConnectionLost'))).toBe('reconnect');
    expect(afterEnd(failure('Stalled'))).toBe('reconnect');
    expect(afterEnd(failure('ConnectionLost'), tagged(), { gained: 9 })).toBe('mirror has failed');
    expect(afterEnd(failure('ServerError'))).toBe('mirror has failed');
    expect(afterEnd(new TypeError('bug'))).toBe('mirror has failed');
  });

  test('the mirror is asked for the rest only where a tag or pieces prove that it is of the same file', () => {
    expect(afterEnd(failure('Stalled'), mirrorWith())).toBe('mirror has failed');
    expect(afterEnd(failure('Stalled'), mirrorWith(), { pieces: true })).toBe('reconnect');
  });

  test('a dropped mirror is not asked for the rest', () => {
    const lead = tagged();
    lead.drop(failure('NotFound'));
    expect(afterEnd(failure('Stalled'), lead)).toBe('mirror has failed');
  });

  test('a mirror that gives no parts begins anew, once', () => {
    const lead = tagged();
    lead.refuseRanges(refused());
    expect(afterEnd(refused(), lead)).toBe('begin anew');
    expect(afterEnd(refused(), lead, { isAnew: true })).toBe('mirror has failed');
  });
});

describe('after the complete file was refused', () => {
  const [lead, other] = [mirrorWith(), mirrorWith()];
  const next = (error: unknown, changes: Partial<Parameters<typeof afterRefusedFile>[1]> = {}) =>
    afterRefusedFile(error, {
      lead,
      contributors: [lead],
      pieces: false,
      strangers: false,
      alone: false,
      ...changes,
    });

  test('bytes are kept unless they are wrong and the mirror sent some of them', () => {
    expect(next(failure('NoSpace'))).toBe('keep bytes');
    expect(next(failure('ConnectionLost'))).toBe('keep bytes');
    expect(next(new WrongPiece('sent piece 1 wrong'))).toBe('keep bytes');
    expect(next(failure('ChecksumMismatch'), { contributors: [other] })).toBe('keep bytes');
  });

  test('one mirror that sent wrong bytes makes way for the next', () => {
    expect(next(failure('ChecksumMismatch'))).toBe('next mirror');
  });

  test('of several mirrors each is tried by itself, once', () => {
    const contributors = [lead, other];
    expect(next(failure('ChecksumMismatch'), { contributors })).toBe('each alone');
    expect(next(failure('ChecksumMismatch'), { contributors, alone: true })).toBe('next mirror');
  });

  test('where all pieces were right, no mirror is tried again', () => {
    expect(next(failure('ChecksumMismatch'), { pieces: true })).toBe('drop all mirrors');
  });
});
