import { Pace } from '../../../../images/fetch/transfer/pace.ts';

interface Path {
  /** Bytes per millisecond of each connection. */
  readonly each: number;
  /** Of the whole path. */
  readonly all: number;
  readonly starved?: boolean;
  readonly openingMs?: number;
  /** Connections that the source takes. */
  readonly taken?: number;
}

/** Lets connections come as they are wanted, and gives how many were wanted at each moment. */
function travel(
  path: Path,
  ms: number,
  maxConnections = 16,
): { readonly targets: readonly number[]; readonly pace: Pace } {
  const pace = new Pace({ maxConnections });
  const targets: number[] = [];
  let [bytes, flowing] = [0, 1];
  const openings: number[] = [];
  for (let at = 0; at < ms; at += 50) {
    const came = openings.filter((ready) => ready <= at).length;
    openings.splice(0, came);
    flowing += came;
    bytes += Math.min(path.all, path.each * flowing) * 50;
    const target = pace.look({ at, bytes, flowing, opening: openings.length, starved: path.starved ?? true });
    targets.push(target);
    // One that is not wanted any more goes when its range is done.
    if (flowing > target && at % 1000 === 0) flowing -= 1;
    while (flowing + openings.length < Math.min(target, path.taken ?? 99))
      openings.push(at + (path.openingMs ?? 100));
  }
  return { targets, pace };
}

test('a limit for each connection: as many as are allowed, within a second', () => {
  const { targets } = travel({ each: 1000, all: Infinity }, 1000);
  expect(targets.at(-1)).toBe(16);
  expect(travel({ each: 1000, all: Infinity }, 1000, 5).targets.at(-1)).toBe(5);
});

test('a path that one connection fills: one try, and no other for a while', () => {
  const { targets } = travel({ each: 1000, all: 1000 }, 9000);
  expect(Math.max(...targets)).toBe(4);
  expect(targets.at(-1)).toBe(1);
});

test('a path that some connections fill: few more than those', () => {
  const { targets } = travel({ each: 1000, all: 4000 }, 9000);
  expect(targets.at(-1)).toBeGreaterThanOrEqual(4);
  expect(targets.at(-1)).toBeLessThanOrEqual(8);
});

test('a host that is itself the slowest: never more than one', () => {
  const { targets } = travel({ each: 1000, all: Infinity, starved: false }, 9000);
  expect(Math.max(...targets)).toBe(1);
});

test('tries that bring nothing come ever more seldom', () => {
  const { targets } = travel({ each: 1000, all: 1000 }, 200_000);
  const tries = targets.filter((target, at) => target > 1 && targets[at - 1] === 1).length;
  expect(tries).toBeGreaterThanOrEqual(3);
  expect(tries).toBeLessThanOrEqual(6);
});

test('a source that takes fewer than are wanted is not asked for ever more', () => {
  const { targets } = travel({ each: 1000, all: Infinity, taken: 2 }, 9000);
  expect(Math.max(...targets)).toBeLessThanOrEqual(8);
});

test('connections that do not come hold nothing up for long', () => {
  const { targets } = travel({ each: 1000, all: Infinity, openingMs: 60_000 }, 9000);
  expect(targets.at(-1)).toBe(4);
});
