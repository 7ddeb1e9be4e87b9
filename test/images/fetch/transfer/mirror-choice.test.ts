import { MirrorChoice, orderMirrors } from '../../../../images/fetch/transfer/mirror-choice.ts';
import type { Need } from '../../../../images/fetch/transfer/mirror-choice.ts';
import { RangeRefused } from '../../../../images/fetch/range.ts';
import { ImageError } from '../../../../model/failures.ts';
import { mirror } from '../../../labs/download.ts';

const [a, b, c] = [mirror('http://a/', 2), mirror('http://b/', 1), mirror('http://c/', 3)];
const refusal = new RangeRefused('gives no parts', { changed: false });
const gone = new ImageError('NotFound', 'is gone');
const need = (changes: Partial<Need> = {}): Need => ({
  now: performance.now(),
  maxConnections: 16,
  pieces: false,
  only: undefined,
  ...changes,
});
const urls = (states: Iterable<{ readonly url: string }>): readonly string[] =>
  [...states].map(({ url }) => url);

test('mirrors go by priority, but one whose bytes lie here goes first', () => {
  expect(orderMirrors([a, b, c], undefined)).toEqual([b, a, c]);
  expect(orderMirrors([a, b, c], 'http://c/')).toEqual([c, b, a]);
  expect(orderMirrors([a, b, c], 'http://elsewhere/')).toEqual([b, a, c]);
});

test('a mirror that refused a part leads once more after all others, unless it was dropped', () => {
  const choice = new MirrorChoice([a, b, c], undefined);
  const [first, second] = choice.all;
  first?.refuseRanges(refusal);
  second?.refuseRanges(refusal);
  second?.drop(gone);
  expect(urls(choice.leads())).toEqual(['http://b/', 'http://a/', 'http://c/', 'http://b/']);
});

test('neither dropped mirrors nor mirrors that refused a part are candidates', () => {
  const choice = new MirrorChoice([a, b, c], undefined);
  choice.all[0]?.drop(gone);
  choice.all[1]?.refuseRanges(refusal);
  expect(urls(choice.candidates(need()))).toEqual(['http://c/']);
});

test('a mirror that sent a corrupted piece is the last candidate', () => {
  const choice = new MirrorChoice([a, b, c], undefined);
  choice.all[0]?.noteCorruptPiece(gone);
  expect(urls(choice.candidates(need({ pieces: true })))).toEqual(['http://a/', 'http://c/', 'http://b/']);
});

test('where pieces are checked, the mirror with the fewest connections is the first candidate', () => {
  const choice = new MirrorChoice([a, b, c], {
    url: 'http://b/',
    etag: '"1"',
    finalUrl: 'http://b/',
    total: 9,
    others: [{ url: 'http://a/', etag: '"2"' }],
  });
  choice.all[0]?.connectionStarted();
  expect(urls(choice.candidates(need({ pieces: true })))).toEqual(['http://a/', 'http://c/', 'http://b/']);
  expect(urls(choice.candidates(need()))).toEqual(['http://b/', 'http://a/', 'http://c/']);
});

test('an origin has no more connections than allowed, over all of its mirrors', () => {
  const [one, other] = [mirror('http://a/1', 1), mirror('http://a/2', 2)];
  const choice = new MirrorChoice([one, other, b], undefined);
  choice.all[0]?.connectionStarted();
  expect(urls(choice.candidates(need({ maxConnections: 1 })))).toEqual(['http://b/']);
});

test('a throttled mirror is awaited for a moment after a connection of it ended', () => {
  const choice = new MirrorChoice([a], undefined);
  const [state] = choice.all;
  state?.recall({ etag: '"1"' });
  state?.connectionStarted();
  state?.connectionStarted();
  state?.throttle(performance.now() + 60_000);
  state?.connectionEnded();
  const soon = need();
  expect([urls(choice.candidates(soon)), choice.awaits(soon)]).toEqual([[], true]);
  const later = need({ now: soon.now + 1000 });
  expect([urls(choice.candidates(later)), choice.awaits(later)]).toEqual([['http://a/'], false]);
});

test('bytes are recorded with the lead first, and with all mirrors that sent some', () => {
  const choice = new MirrorChoice([a, b, c], undefined);
  const [, lead, other] = choice.all;
  other?.received(1);
  lead?.received(1);
  lead?.answered({
    finalUrl: 'http://a/final',
    total: 9,
    etag: '"1"',
    lastModified: undefined,
    contentType: undefined,
    ranges: true,
  });
  expect(lead && choice.record(lead)).toEqual({
    url: 'http://a/',
    etag: '"1"',
    finalUrl: 'http://a/final',
    lineage: expect.stringMatching(/^[0-9a-f-]{36}$/),
    others: [{ url: 'http://c/' }],
  });
});
