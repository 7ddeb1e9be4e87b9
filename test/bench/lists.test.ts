/** A small run of the bench of lists, so that it cannot rot. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { BenchReport } from '../../bench/report.ts';
import { isFullRun } from '../support/programs.ts';

const run = promisify(execFile);
const root = join(__dirname, '../..');

test('lists of few and of many, and calls over and over without a failure', async () => {
  await run(process.execPath, [join(root, 'bin/build.js')]);
  const [templates, seconds] = isFullRun ? [100_000, 60] : [2000, 2];
  const args = ['--only', 'lists', '--templates', String(templates), '--seconds', String(seconds), '--json'];
  const { stdout } = await run(process.execPath, [join(root, 'dist/bench/main.js'), ...args], {
    cwd: root,
  });
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
