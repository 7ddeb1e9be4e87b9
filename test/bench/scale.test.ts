/** The arithmetic of the scale bench; test/bench/run.test.ts runs the bench itself. */
import { readFile } from 'node:fs/promises';
import { memoryOverTime, sampleMemory } from '../../bench/scale/memory.ts';
import { summarize, summaryOf, templatesOfRounds } from '../../bench/scale/results.ts';

const MB = 1e6;

it.each([
  [50_000, 500, Array<number>(20).fill(5)],
  [11_000, 500, [5, 5, 5, 5, 2]],
  [2500, 500, [1, 1, 1, 1, 1]],
  [30, 3, [2, 2, 2, 2, 2]],
  [2, 500, [1]],
])('deploys %p copies onto %p hosts in rounds of so many templates: %p', (deployments, hosts, rounds) => {
  expect(templatesOfRounds(deployments, hosts)).toEqual(rounds);
});

it('compares the memory of each process in the last quarter of the run with that in the first', () => {
  const grows = [10, 10, 90, 12, 13, 14, 15, 20, 20];
  const samples = grows.map(
    (value) =>
      new Map([
        ['api', 50 * MB],
        ['control worker', value * MB],
      ]),
  );
  const [api, control] = memoryOverTime(samples);
  expect(api).toEqual({ name: 'api', quarters: Array(4).fill(50 * MB), growth: 1 });
  expect(control).toMatchObject({ name: 'control worker', growth: 2 });
});

it('reads the memory of a process, and of PostgreSQL with its children', async () => {
  const sample = await sampleMemory(new Map([['this', process.pid]]), { name: 'tree', pid: process.ppid });
  const [, kib] = /^VmRSS:\s+(\d+)/m.exec(await readFile('/proc/self/status', 'utf8')) ?? [];
  const ratio = (sample.get('this') ?? 0) / 1024 / Number(kib);
  expect(ratio).toBeGreaterThan(0.5);
  expect(ratio).toBeLessThan(2);
  expect(sample.get('tree')).toBeGreaterThan(1 * MB);
});

it('tells median and greatest sizes of histories', () => {
  const sizes = [
    { events: 20, bytes: 9000 },
    { events: 90, bytes: 8000 },
    { events: 21, bytes: 40_000 },
  ];
  expect(summaryOf(sizes)).toEqual({ runs: 3, events: 21, mostEvents: 90, bytes: 9000, mostBytes: 40_000 });
});

it('compares each round with the empty workflows that ran next to it, so that a busy machine slows both', () => {
  const rounds = [
    { deployments: 100, seconds: 10, emptyPerSecond: 10 },
    { deployments: 100, seconds: 50, emptyPerSecond: 4 },
    { deployments: 100, seconds: 10, emptyPerSecond: 20 },
  ];
  const samples = Array.from({ length: 4 }, () => new Map([['api', MB]]));
  const steps = { activities: 1, local: 2, events: 20 };
  const measured = { engine: 'cluster', hosts: 100, failed: 1, rounds, steps } as const;
  const { deployments, perSecond, emptyPerSecond, ratio, goals } = summarize(measured, samples, []);
  expect({ deployments, perSecond, emptyPerSecond, ratio }).toEqual({
    deployments: 300,
    perSecond: 10,
    emptyPerSecond: 10,
    ratio: 0.5,
  });
  expect(goals.map(({ name, met }) => [name, met])).toEqual([
    ['deployments per empty workflow', false],
    ['deployments that failed', false],
    ['the memory of its first quarter in the last: api', true],
  ]);
});
