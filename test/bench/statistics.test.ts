import { summarize } from '../../bench/download-summary.ts';
import { ARIA2, bypass, TOOLS } from '../../bench/downloaders.ts';
import { parseTimes, runShell } from '../../bench/processes.ts';
import { table } from '../../bench/report.ts';
import { atLeast, atMost, median, orderOfRound } from '../../bench/statistics.ts';

const { signal } = new AbortController();
const run = (downloader: typeof bypass, seconds: number, peakBytes?: number) => ({
  downloader,
  seconds,
  cpuSeconds: seconds / 2,
  path: '',
  ...(peakBytes === undefined ? {} : { peakBytes }),
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

it('compares medians with that of Bypass, and only with what ran', () => {
  const curl = TOOLS.find(({ name }) => name === 'curl') ?? bypass;
  const runs = [
    run(bypass, 4, 150e6),
    run(curl, 2),
    run(curl, 9),
    run(bypass, 6, 100e6),
    run(bypass, 5, 90e6),
    run(curl, 3),
  ];
  const sizes = { size: 1024 ** 3 / 2, smallSize: 1, smallPeakBytes: 100e6 };
  const { downloaders, memory, goals } = summarize(runs, sizes);
  expect(downloaders).toEqual([
    { name: 'bypass', verifies: true, rounds: [4, 6, 5], seconds: 5, cpuSecondsPerGib: 5, ratio: 1 },
    { name: 'curl', verifies: false, rounds: [2, 9, 3], seconds: 3, cpuSecondsPerGib: 3, ratio: 5 / 3 },
  ]);
  expect(memory.bytes).toBe(150e6);
  expect(goals.map(({ met }) => met)).toEqual([true, true, false]);
  expect(goals.some(({ name }) => name.includes(ARIA2))).toBe(false);
});
