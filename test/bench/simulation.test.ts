import { EventQueue } from '../../bench/simulation/event-queue.ts';
import { shareLink } from '../../bench/simulation/share-link.ts';
import { simulate } from '../../bench/simulation/spread.ts';
import type { SimulationOptions } from '../../bench/simulation/spread.ts';

const run = (changes: Partial<SimulationOptions>) =>
  simulate({
    hosts: 1,
    size: 1000,
    originRate: 100,
    hostRate: 100,
    uploads: 4,
    choiceSeconds: 0,
    beginSeconds: 0,
    hopSeconds: 0,
    ...changes,
  });

test('events come in the order of their times', () => {
  const queue = new EventQueue<{ readonly at: number }>();
  const times = Array.from({ length: 200 }, (_, index) => (index * 7919) % 211);
  for (const at of times) queue.push({ at });
  expect(times.map(() => queue.pop()?.at)).toEqual(times.toSorted((a, b) => a - b));
  expect(queue.pop()).toBeUndefined();
});

test('a link is shared equally, and what one cannot take goes to the others', () => {
  expect(shareLink(90, [100, 100, 100])).toEqual([30, 30, 30]);
  expect(shareLink(90, [100, 10, 100])).toEqual([40, 10, 40]);
  expect(shareLink(90, [10, 10])).toEqual([10, 10]);
});

test('one host takes as long as its slower link', () => {
  expect(run({})).toMatchObject({ all: 10, half: 10, originBytes: 1000, depth: 0 });
  expect(run({ hostRate: 50 }).all).toBe(20);
  expect(run({ originRate: 20, beginSeconds: 1 }).all).toBe(51);
});

test('a chain fills as fast as its first host, later by what each host needs to begin', () => {
  const chain = run({ hosts: 10, uploads: 1, beginSeconds: 0.5, hopSeconds: 0.5 });
  expect(chain.depth).toBe(9);
  expect(chain.originBytes).toBe(1000);
  expect(chain.all).toBeCloseTo(10 + 0.5 + 9 * 0.5, 3);
});

test('a host that begins late catches up, and ends with its parent', () => {
  expect(run({ hosts: 2, originRate: 50, choiceSeconds: 5 }).all).toBeCloseTo(20, 3);
});

test('hosts that share the link of their parent share its rate', () => {
  // The head has its image after 10 s; two others take half of its link each.
  expect(run({ hosts: 3, uploads: 2 }).all).toBeCloseTo(20, 3);
  // The line of the origin is the bottleneck, so that the links of the hosts do not matter.
  expect(run({ hosts: 3, uploads: 2, originRate: 50 }).all).toBeCloseTo(20, 3);
});

test('no host begins without a parent, and every host has the image in the end', () => {
  for (const uploads of [1, 2, 4, 8]) {
    const { originBytes, all, half, depth } = run({
      hosts: 500,
      uploads,
      choiceSeconds: 0.001,
      beginSeconds: 0.1,
    });
    expect(originBytes).toBe(1000);
    expect(Number.isFinite(all)).toBe(true);
    expect(half).toBeLessThanOrEqual(all);
    const least = uploads === 1 ? 499 : Math.ceil(Math.log(500 * (uploads - 1) + 1) / Math.log(uploads)) - 1;
    expect(depth).toBeGreaterThanOrEqual(least);
  }
});
