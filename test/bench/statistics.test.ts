import { mkdtemp, readdir, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { peakMemory, warmMemory } from '../../bench/memory.ts';
import { parseTimes, runShell } from '../../bench/processes.ts';
import { table } from '../../bench/report.ts';
import { asFastAs, atMostAsLongAs, cpuAtMost, memoryAtMost, summarize } from '../../bench/results.ts';
import { atLeast, atMost, median, orderOfRound } from '../../bench/statistics.ts';

const { signal } = new AbortController();
const run = (name: string, seconds: number, peakBytes: number) => ({
  contestant: { name, verifies: name === 'bypass' },
  seconds,
  cpuSeconds: seconds / 2,
  peakBytes,
});

describe('median', () => {
  it.each([
    [[3], 3],
    [[9, 1, 5], 5],
    [[4, 1, 3, 2], 2.5],
  ])('of the values %p is %p', (values, expected) => {
    expect(median(values)).toBe(expected);
  });

  it('of no values throws', () => {
    expect(() => median([])).toThrow(RangeError);
  });
});

it('the order of the contestants is reversed in every second round', () => {
  const items = ['a', 'b', 'c'];
  expect([0, 1, 2].map((round) => orderOfRound(items, round).join(''))).toEqual(['abc', 'cba', 'abc']);
});

it.each([
  [atMost('', 2, 2, ''), true],
  [atMost('', 2.1, 2, ''), false],
  [atLeast('', 2, 2, ''), true],
  [atLeast('', 1.9, 2, ''), false],
])('the goal %p is met: %p', (goal, met) => {
  expect(goal.met).toBe(met);
});

it('reads the times of child processes that the shell prints', () => {
  expect(parseTimes('1m2.500000s 0m0.25s')).toBeCloseTo(62.75);
});

it('the output of a shell command is returned without the times that follow it', async () => {
  const line = 'printf "%s\\n%s\\n" "$1" "$2"';
  const { output, cpuSeconds } = await runShell(line, ['one', 'two words'], signal);
  expect(output).toBe('one\ntwo words');
  expect(cpuSeconds).toBeGreaterThanOrEqual(0);
});

it('the error of a failed shell command has its output', async () => {
  await expect(runShell('echo "no luck" >&2; false', [], signal)).rejects.toThrow(/no luck/);
});

it('aligns the columns of a table', () => {
  const rows = [
    ['', 'seconds'],
    ['curl', '1.5'],
  ];
  expect(table(rows)).toBe('        seconds\n  curl      1.5');
});

it('the peak memory of a process is known after the process freed it', async () => {
  const before = await peakMemory();
  const most = process.memoryUsage().rss + 64e6;
  Buffer.alloc(64e6, 1);
  expect(await peakMemory()).toBeGreaterThanOrEqual(before);
  expect(await peakMemory()).toBeGreaterThan(most - 8e6);
});

it('warming memory leaves no file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bypass-memory-'));
  warmMemory(folder, 4e6);
  expect(await readdir(folder)).toEqual([]);
  await rmdir(folder);
});

describe('the runs of all contestants', () => {
  const runs = [
    run('bypass', 4, 150e6),
    run('curl', 2, 20e6),
    run('curl', 9, 30e6),
    run('bypass', 6, 100e6),
    run('bypass', 5, 90e6),
    run('curl', 3, 10e6),
  ];
  const results = summarize(runs, 1024 ** 3 / 2);

  it('are compared by their medians', () => {
    const bypass = { seconds: 5, cpuSecondsPerGib: 5, peakBytes: 150e6, ratio: 1 };
    const curl = { seconds: 3, cpuSecondsPerGib: 3, peakBytes: 30e6, ratio: 5 / 3 };
    expect(results).toEqual([
      { name: 'bypass', verifies: true, rounds: [4, 6, 5], ...bypass },
      { name: 'curl', verifies: false, rounds: [2, 9, 3], ...curl },
    ]);
  });

  it('are judged by the contestants that ran beside Bypass', () => {
    const goals = [
      atMostAsLongAs('curl', 1.7),
      atMostAsLongAs('curl', 1.6),
      asFastAs('curl', 0.5),
      asFastAs('aria2c', 2),
      memoryAtMost(150),
      cpuAtMost('curl', 1.6),
      cpuAtMost('curl', 1.7),
    ];
    const met = goals.map((goal) => goal(results).map((one) => one.met));
    expect(met).toEqual([[true], [false], [true], [], [true], [false], [true]]);
  });
});
