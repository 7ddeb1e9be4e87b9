import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { watchMemory } from '../../bench/memory.ts';
import { parseTimes, runShell } from '../../bench/processes.ts';
import { table } from '../../bench/report.ts';
import { asFastAs, atMostAsLongAs, memoryAtMost, summarize } from '../../bench/results.ts';
import { atLeast, atMost, median, orderOfRound } from '../../bench/statistics.ts';
import { until } from '../support/until.ts';

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
  ])('of %p is %p', (values, expected) => {
    expect(median(values)).toBe(expected);
  });

  it('needs a value', () => {
    expect(() => median([])).toThrow(RangeError);
  });
});

it('the order turns round in every round', () => {
  const items = ['a', 'b', 'c'];
  expect([0, 1, 2].map((round) => orderOfRound(items, round).join(''))).toEqual(['abc', 'cba', 'abc']);
});

it.each([
  [atMost('', 2, 2, ''), true],
  [atMost('', 2.1, 2, ''), false],
  [atLeast('', 2, 2, ''), true],
  [atLeast('', 1.9, 2, ''), false],
])('a goal knows whether it is met: %p', (goal, met) => {
  expect(goal.met).toBe(met);
});

it('reads what the shell says of the time its children used', () => {
  expect(parseTimes('1m2.500000s 0m0.25s')).toBeCloseTo(62.75);
});

it('gives what a line of shell wrote, without the times behind it', async () => {
  const line = 'printf "%s\\n%s\\n" "$1" "$2"';
  const { output, cpuSeconds } = await runShell(line, ['one', 'two words'], signal);
  expect(output).toBe('one\ntwo words');
  expect(cpuSeconds).toBeGreaterThanOrEqual(0);
});

it('a line of shell that fails says what it wrote', async () => {
  await expect(runShell('echo "no luck" >&2; false', [], signal)).rejects.toThrow(/no luck/);
});

it('lines up columns', () => {
  const rows = [
    ['', 'seconds'],
    ['curl', '1.5'],
  ];
  expect(table(rows)).toBe('        seconds\n  curl      1.5');
});

it('a line of shell has had the memory of all that it ran', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bypass-memory-'));
  const [over, pidFile] = [join(folder, 'over'), join(folder, 'pid')];
  try {
    const line = 'echo $$ > "$2"; until [ -e "$1" ]; do sleep 0.05; done | sleep 0.01';
    const running = runShell(line, [over, pidFile], signal);
    const pid = await until('it runs', async () => {
      const told = await readFile(pidFile, 'utf8').catch(() => '');
      return told.endsWith('\n') && Number(told);
    });
    // The bench looks while this one looks.
    await until('it was looked at', () => {
      const watch = watchMemory(pid);
      return new Promise<boolean>((resolve) => setTimeout(() => resolve(watch.stop() > 1_048_576), 100));
    });
    await writeFile(over, '');
    expect((await running).peakBytes).toBeGreaterThan(1_048_576);
  } finally {
    await rm(folder, { recursive: true });
  }
});

describe('the runs of all', () => {
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

  it('are judged by what ran beside Bypass', () => {
    const goals = [
      atMostAsLongAs('curl', 1.7),
      atMostAsLongAs('curl', 1.6),
      asFastAs('curl', 0.5),
      asFastAs('aria2c', 2),
      memoryAtMost(150),
    ];
    const met = goals.map((goal) => goal(results).map((one) => one.met));
    expect(met).toEqual([[true], [false], [true], [], [true]]);
  });
});
