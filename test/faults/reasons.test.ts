import type { Happened } from './carrying-out.ts';
import { hasTrueReason, readByClocks } from './reasons.ts';

const MINUTE = 60_000;
const full: Happened = { kind: 'disk full', host: 0, from: 10 * MINUTE, to: 11 * MINUTE };

test.each([
  ['while the fault is there', { from: 10.5 * MINUTE, to: 10.6 * MINUTE }, true],
  ['soon after it', { from: 11.5 * MINUTE, to: 11.6 * MINUTE }, true],
  ['before it', { from: 8 * MINUTE, to: 9 * MINUTE }, false],
  ['long after it', { from: 13 * MINUTE, to: 14 * MINUTE }, false],
])('a failure %s', (_, span, isTrue) => {
  expect(hasTrueReason('NoSpace', span, [full])).toBe(isTrue);
  expect(hasTrueReason('ChecksumMismatch', span, [full])).toBe(false);
});

test('times of a host whose clock was shifted meanwhile are those of any of its clocks', () => {
  const shifted: Happened = { kind: 'clock shifted', host: 0, from: 9 * MINUTE, to: 10 * MINUTE, shift: 300 };
  const told = { from: 14.5 * MINUTE, to: 10.5 * MINUTE };
  expect(readByClocks(told, [full])).toEqual([]);
  expect(readByClocks(told, [full, shifted])).toEqual([{ from: 9.5 * MINUTE, to: 10.5 * MINUTE }]);
});
