import { plannedBytes } from '../../model/space.ts';

const GIB = 2 ** 30;
const packed = { size: GIB, virtualSize: 0, compression: 'xz', unpackedSize: 0 } as const;

test('a file that is not packed needs its own length', () => {
  expect(plannedBytes({ ...packed, virtualSize: 40 * GIB, compression: null })).toBe(GIB);
});

test('a packed file needs room for the image as well, by its announced or its virtual size', () => {
  expect(plannedBytes({ ...packed, unpackedSize: 3 * GIB, virtualSize: 5 * GIB })).toBe(4 * GIB);
  expect(plannedBytes({ ...packed, virtualSize: 5 * GIB })).toBe(6 * GIB);
});

test('a packed file needs at most ten times its length, since zeros take no room', () => {
  expect(plannedBytes({ ...packed, virtualSize: 10_000 * GIB })).toBe(11 * GIB);
  expect(plannedBytes(packed)).toBe(11 * GIB);
});
