/** What faults may cost the origin, without a run. */
import { requiredBytes } from './allowance.ts';
import type { Seen } from './allowance.ts';
import type { Happened } from './carrying-out.ts';

const MIB = 1_048_576;
const IMAGE = { name: 'a', bytes: 100 * MIB, removals: 0 };
const SEEN: Seen = { at: 50_000, copyId: '1', template: 'a', host: 2, parent: undefined, bytes: 10 * MIB };

const fault = (kind: Happened['kind'], changes: Partial<Happened> = {}): Happened => ({
  kind,
  host: 2,
  from: 49_000,
  to: 52_000,
  ...changes,
});
const beyondOnce = (faults: readonly Happened[], downloads: readonly Seen[] = [SEEN]): number =>
  (requiredBytes([IMAGE], faults, downloads).get('a') ?? 0) / MIB - 100;

test('without faults an image is sent once, and once more for each removal', () => {
  expect(beyondOnce([])).toBe(0);
  expect(requiredBytes([{ ...IMAGE, removals: 2 }], [], []).get('a')).toBe(300 * MIB);
});

test('a killed host loses what it has, at most a checkpoint, and what is in its connections', () => {
  expect(beyondOnce([fault('host killed')])).toBe(10 + 8);
  expect(beyondOnce([fault('host killed')], [{ ...SEEN, bytes: 90 * MIB }])).toBe(64 + 8);
});

test('faults on other hosts, at other times and of control processes cost nothing', () => {
  expect(beyondOnce([fault('host killed', { host: 1 })])).toBe(0);
  expect(beyondOnce([fault('host killed', { from: 90_000, to: 91_000 })])).toBe(0);
  expect(beyondOnce([fault('PostgreSQL killed'), fault('control worker killed'), fault('api killed')])).toBe(
    0,
  );
});

test('who fetches from the host may need all of it from the origin', () => {
  expect(beyondOnce([fault('host suspended', { host: 4 })], [{ ...SEEN, parent: 4 }])).toBe(100);
});

test('an origin that is away costs what was in connections to it, and never those to hosts', () => {
  expect(beyondOnce([fault('origin gone')])).toBe(8);
  expect(beyondOnce([fault('origin gone')], [{ ...SEEN, parent: 4 }])).toBe(0);
});

test('each fault counts a copy once, however often it was seen', () => {
  expect(beyondOnce([fault('host killed')], [SEEN, { ...SEEN, at: 51_000, bytes: 12 * MIB }])).toBe(12 + 8);
  expect(beyondOnce([fault('host killed'), fault('Temporal killed')])).toBe(2 * (10 + 8));
});
