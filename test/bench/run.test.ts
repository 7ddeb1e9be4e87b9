/** A tiny run of the real program, so that the bench cannot rot. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CASES } from '../../bench/cases.ts';
import type { BenchReport } from '../../bench/report.ts';
import { ensureBuilt } from '../support/ensure-built.ts';
import { casesOfForm, isFullRun } from '../support/programs.ts';

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
  await ensureBuilt();
  folder = await mkdtemp(join(tmpdir(), 'bypass-bench-test-'));
});
afterAll(() => rm(folder, { recursive: true }));

const REACHED = 'of memory';

it('downloads in every way with Bypass and the other installed programs, and writes the results as JSON', async () => {
  const cases = isFullRun ? CASES.map(({ name }) => name) : ['http'];
  const args = ['--only', cases.join(','), '--size', '16M', '--rounds', '1', '--json'];
  const { stdout } = await bench(args);
  const { v, downloads, omitted, registrations } = JSON.parse(stdout) as BenchReport;
  expect(v).toBe(1);
  expect(registrations).toBeUndefined();
  expect(downloads.length + omitted.length).toBe(cases.length);
  for (const { name, size, transferred, contestants, goals, missing } of downloads) {
    const { share, others = [] } = CASES.find((one) => one.name === name) ?? {};
    const packed = ['xz', 'gz', 'zst'].includes(name);
    if (packed) expect(transferred).toBeLessThan(size);
    else expect([size, transferred]).toEqual(Array(2).fill(16 * 1_048_576 * (share ?? 0)));
    expect(contestants[0]).toMatchObject({ name: 'bypass', verifies: true, ratio: 1 });
    if (missing.length === 0) expect(contestants).toHaveLength(1 + others.length);
    for (const { rounds, seconds, cpuSecondsPerGib } of contestants) {
      expect(rounds).toEqual([seconds]);
      expect(seconds).toBeGreaterThan(0);
      expect(cpuSecondsPerGib).toBeGreaterThan(0);
    }
    expect(contestants[0]?.peakBytes).toBeGreaterThan(1_048_576);
    expect(goals.map((goal) => goal.name)).toContain(REACHED);
  }
  expect(downloads.find(({ name }) => name === 'http')?.small?.peakBytes).toBeGreaterThan(1_048_576);
  expect(await readdir(folder)).toEqual([]);
}, 120_000);

it('reports which comparison cannot be made, and why', async () => {
  const empty = await mkdtemp(join(folder, 'path-'));
  const failing = run(process.execPath, [program, '--only', 'xz'], { env: { PATH: empty, TMPDIR: folder } });
  await expect(failing).rejects.toMatchObject({
    stderr: 'xz is left out, since not installed: qemu-img, xz\n',
  });
  await rm(empty, { recursive: true });
});

if (isFullRun)
  it('removes its files when it is stopped', async () => {
    const child = spawn(process.execPath, [program, '--only', 'http', '--size', '64M'], {
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

// These start all of Bypass or download once more; the short form has one real case.
if (isFullRun) {
  it('prints each table as soon as it is complete', async () => {
    const { stdout, stderr } = await bench(['--only', 'four', '--size', '4M', '--rounds', '1']);
    expect(stdout).toMatch(
      /^\d+ processors .*\n\nfour: 4 downloads at once on one host, verified: 1 MiB from /,
    );
    expect(stdout).toMatch(/\n  bypass +yes /);
    expect(stderr).toContain('four, round 1 of 1: bypass');
  });

  it('measures registrations beside an empty workflow', async () => {
    const args = ['--only', 'registrations', '--count', '3', '--concurrency', '2', '--rounds', '1', '--json'];
    const { stdout } = await bench(args);
    const { downloads, registrations } = JSON.parse(stdout) as BenchReport;
    expect(downloads).toEqual([]);
    expect(registrations).toMatchObject({ count: 3, concurrency: 2 });
    expect(registrations?.ratio).toBeGreaterThan(0);
    expect(registrations?.goals).toHaveLength(1);
    expect(await readdir(folder)).toEqual([]);
    // All of Bypass is started and stopped for it.
  }, 300_000);

  it('measures deletions of templates with copies on several pools', async () => {
    const { stdout } = await bench(['--only', 'deletions', '--deletions', '2', '--copies', '3', '--json']);
    const { deletions } = JSON.parse(stdout) as BenchReport;
    expect(deletions).toMatchObject({ deletions: 2, copies: 3, ended: 2, slots: 20 });
    expect(await readdir(folder)).toEqual([]);
  }, 300_000);

  it('measures deployments beside an empty workflow with as many activities', async () => {
    const args = ['--only', 'deployments', '--deployments', '8', '--concurrency', '1', '--rounds', '1'];
    const { stdout } = await bench([...args, '--json']);
    const { deployments } = JSON.parse(stdout) as BenchReport;
    expect(deployments).toMatchObject({ deployments: 8, pools: 4, hosts: 3 });
    expect(deployments?.deployed).toMatchObject({ failures: [] });
    expect(deployments?.ratio).toBeGreaterThan(0);
    // The download, and what chooses its host and records its end.
    expect(deployments?.history.activities).toBeGreaterThanOrEqual(3);
    expect(deployments?.history.events).toBeGreaterThan(deployments?.history.activities ?? 0);
    expect(await readdir(folder)).toEqual([]);
  }, 300_000);

  it('measures a fleet of simulated hosts beside an empty workflow, with memory and histories', async () => {
    const { stdout } = await bench(['--only', 'scale', '--hosts', '3', '--deployments', '30', '--json']);
    const { scale } = JSON.parse(stdout) as BenchReport;
    expect(scale).toMatchObject({ hosts: 3, deployments: 30, failed: 0 });
    expect(scale?.rounds.map(({ deployments }) => deployments)).toEqual([6, 6, 6, 6, 6]);
    expect(scale?.ratio).toBeGreaterThan(0);
    expect(scale?.steps.activities).toBeGreaterThanOrEqual(1);
    expect(scale?.memory.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['api 1', 'control worker 1', 'Temporal 1', 'simulated hosts 1', 'PostgreSQL']),
    );
    for (const { quarters } of scale?.memory ?? [])
      for (const bytes of quarters) expect(bytes).toBeGreaterThan(1_048_576);
    const [deployments, rollouts] = scale?.histories ?? [];
    expect(deployments?.type).toBe('deployment');
    // Three more of the first roll-out.
    expect(deployments?.runs).toBeGreaterThanOrEqual(33);
    expect(deployments?.mostEvents).toBeGreaterThanOrEqual(scale?.steps.events ?? Infinity);
    expect(rollouts).toMatchObject({ type: 'rollout', runs: 11 });
    expect(await readdir(folder)).toEqual([]);
  }, 300_000);

  it('measures short and long lists, and repeated calls, without a failure', async () => {
    const templates = 100_000;
    const args = ['--only', 'lists', '--templates', String(templates), '--seconds', '60', '--json'];
    const { stdout } = await bench(args);
    const { lists } = JSON.parse(stdout) as BenchReport;
    expect(lists).toMatchObject({ few: templates / 100, many: templates });
    expect(lists?.lists.map(({ name }) => name.split(' ')[0])).toEqual(
      expect.arrayContaining(['listTemplates', 'listTemplateDeployments', 'listEvents', 'listHosts']),
    );
    for (const { few, many } of lists?.lists ?? []) {
      expect(few).toBeGreaterThan(0);
      expect(many).toBeGreaterThan(0);
    }
    expect(lists?.endurance.failures).toEqual([]);
    expect(lists?.endurance.answered).toBeGreaterThan(0);
    expect(lists?.endurance.memory.after).toBeGreaterThan(1_048_576);
  }, 600_000);
}

it.each(
  casesOfForm([
    [['--only', 'http,lunch'], /--only takes http, https, .*, not 'lunch'/],
    [['--size', '12'], /--size must be 1M or more/],
    [['--rounds', '0'], /--rounds must be a number/],
    [['--only', 'http', '--size', '1000000G'], /GiB free and the bench needs/],
  ] as const),
)('refuses the arguments %p with a sentence', async (args, sentence) => {
  await expect(bench(args)).rejects.toMatchObject({ stderr: expect.stringMatching(sentence) });
});
