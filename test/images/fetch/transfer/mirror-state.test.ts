import { MirrorState } from '../../../../images/fetch/transfer/mirror-state.ts';
import { RangeRefused } from '../../../../images/fetch/range.ts';
import { ImageError } from '../../../../model/failures.ts';
import { mirror } from '../../../labs/download.ts';

const refusal = new RangeRefused('gives no parts', { changed: false });
const gone = new ImageError('NotFound', 'is gone');
const wrong = new ImageError('ChecksumMismatch', 'sent a wrong piece');
const answer = (ranges: boolean) => ({
  finalUrl: 'http://a/',
  total: 9,
  etag: '"1"',
  lastModified: undefined,
  contentType: undefined,
  ranges,
});

/** A mirror that has answered with the whole file. */
function answered(ranges = false): MirrorState {
  const state = new MirrorState(mirror('http://a/', 1));
  state.answered(answer(ranges));
  return state;
}

test('a mirror has one connection as long as nothing proves the version of its file', () => {
  const state = new MirrorState(mirror('http://a/', 1));
  expect(state.maxConnections(0)).toBe(1);
  state.answered({ ...answer(true), etag: 'W/"1"' });
  expect(state.maxConnections(0)).toBe(1);
});

test('an untried mirror has two connections, or any number once it says that it supports ranges', () => {
  expect(answered().maxConnections(0)).toBe(2);
  expect(answered(true).maxConnections(0)).toBe(Infinity);
});

test('a mirror that gave a part has any number of connections, until all bytes are forgotten', () => {
  const state = answered();
  state.rangeGiven();
  expect([state.supportsRanges, state.maxConnections(0)]).toEqual([true, Infinity]);
  state.forget();
  state.answered(answer(false));
  expect([state.supportsRanges, state.maxConnections(0)]).toEqual([false, 2]);
});

test('a throttled mirror keeps the connections that it has, until the time is over', () => {
  const state = answered(true);
  state.connectionStarted();
  state.throttle(1000);
  expect([state.maxConnections(999), state.maxConnections(1000)]).toEqual([1, Infinity]);
  state.rangeGiven();
  expect(state.maxConnections(999)).toBe(1);
});

test('a mirror that refused a part gives none, whatever else happens to it', () => {
  const state = answered(true);
  state.refuseRanges(refusal);
  state.throttle(0);
  state.rangeGiven();
  state.forget();
  expect([state.mayGiveParts, state.maxConnections(0), state.isDropped]).toEqual([false, 0, false]);
  expect(state.refusal).toBe(refusal);
});

test('a dropped mirror stays dropped, and the latest failure says why', () => {
  const state = answered(true);
  state.refuseRanges(refusal);
  state.drop(gone);
  state.forget();
  state.throttle(0);
  state.refuseRanges(refusal);
  expect([state.isDropped, state.failure, state.refusal]).toEqual([true, gone, refusal]);
  state.drop(wrong);
  expect(state.failure).toBe(wrong);
});

test('the second corrupted piece drops a mirror', () => {
  const state = answered(true);
  state.noteCorruptPiece(wrong);
  expect([state.corruptPieces, state.isDropped]).toEqual([1, false]);
  state.noteCorruptPiece(wrong);
  expect([state.corruptPieces, state.failure]).toEqual([2, wrong]);
});

test('bytes are counted since the last failure that the mirror was forgiven', () => {
  const state = answered();
  state.received(5);
  state.noteFailure(gone);
  state.received(2);
  expect([state.bytes, state.bytesSinceFailure, state.lastError]).toEqual([7, 2, gone]);
});

test('a connection that was never started cannot end', () => {
  expect(() => answered().connectionEnded()).toThrow('no connection that could end');
});
