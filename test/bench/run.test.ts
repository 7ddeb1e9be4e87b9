/** A tiny run of the real program, so that the bench cannot rot. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { BenchReport } from '../../bench/report.ts';

const run = promisify(execFile);
const root = join(__dirname, '../..');
let folder: string;
const program = join(root, 'dist/bench/main.js');
const bench = (args: readonly string[]) =>
  run(process.execPath, [program, ...args], {
    cwd: root,
    env: { ...process.env, TMPDIR: folder },
  });

beforeAll(async () => {
  await run(process.execPath, [join(root, 'bin/build.js')]);
  folder = await mkdtemp(join(tmpdir(), 'bypass-bench-test-'));
});
afterAll(() => rm(folder, { recursive: true }));

it('downloads with Bypass and what else is installed, and tells it to machines', async () => {
  const args = ['--only', 'download', '--size', '16M', '--rounds', '1', '--json'];
  const { stdout } = await bench(args);
  const { v, download } = JSON.parse(stdout) as BenchReport;
  expect(v).toBe(1);
  expect(download?.size).toBe(16 * 1_048_576);
  expect(download?.downloaders[0]).toMatchObject({ name: 'bypass', verifies: true, ratio: 1 });
  for (const { rounds, seconds } of download?.downloaders ?? []) {
    expect(rounds).toEqual([seconds]);
    expect(seconds).toBeGreaterThan(0);
  }
  expect(download?.memory.bytes).toBeGreaterThan(1_048_576);
  expect(download?.goals.map(({ name }) => name)).toContain('of memory');
  expect(await readdir(folder)).toEqual([]);
});

it('leaves nothing behind when it is stopped', async () => {
  const child = spawn(process.execPath, [program, '--only', 'download', '--size', '64M'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, TMPDIR: folder },
  });
  const ended = once(child, 'exit');
  let said = '';
  child.stderr.on('data', (text: Buffer) => {
    said += text.toString();
    if (said.includes('round 1') && !child.killed) child.kill('SIGTERM');
  });
  expect(await ended).toEqual([1, null]);
  expect(said).toContain('The bench was stopped.');
  expect(await readdir(folder)).toEqual([]);
});

it('registers beside an empty workflow', async () => {
  const args = ['--only', 'registrations', '--count', '3', '--concurrency', '2', '--rounds', '1', '--json'];
  const { stdout } = await bench(args);
  const { download, registrations } = JSON.parse(stdout) as BenchReport;
  expect(download).toBeUndefined();
  expect(registrations).toMatchObject({ count: 3, concurrency: 2 });
  expect(registrations?.ratio).toBeGreaterThan(0);
  expect(registrations?.goals).toHaveLength(1);
  expect(await readdir(folder)).toEqual([]);
  // All of Bypass is started and stopped for it.
}, 300_000);

it.each([
  [['--size', '12'], /--size must be 1M or more/],
  [['--rounds', '0'], /--rounds must be a number/],
  [['--only', 'lunch'], /--only must be download or registrations/],
  [['--only', 'download', '--size', '1000000G'], /GiB free and the bench needs/],
])('refuses %p with a sentence', async (args, sentence) => {
  await expect(bench(args)).rejects.toMatchObject({ stderr: expect.stringMatching(sentence) });
});
