import { plannedBytes } from '../../model/space.ts';

const GIB = 2 ** 30;
const packed = { size: GIB, virtualSize: 0, compression: 'xz', unpackedSize: 0 } as const;

test('a file that is not packed needs its own length', () => {
  expect(plannedBytes({ ...packed, virtualSize: 40 * GIB, compression: null })).toBe(GIB);
});

test('a packed one needs the image beside it, as it says itself, or as its disk is', () => {
  expect(plannedBytes({ ...packed, unpackedSize: 3 * GIB, virtualSize: 5 * GIB })).toBe(4 * GIB);
  expect(plannedBytes({ ...packed, virtualSize: 5 * GIB })).toBe(6 * GIB);
});

test('but zeros take no room, so that more than ten times its length is not waited for', () => {
  expect(plannedBytes({ ...packed, virtualSize: 10_000 * GIB })).toBe(11 * GIB);
  expect(plannedBytes(packed)).toBe(11 * GIB);
});
