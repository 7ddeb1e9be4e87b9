/** What is measured, and what the Debian package carries, runs by Node 24, whatever Node runs npm. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PROJECT_ROOT } from '../../platform/installation.ts';
import { isFullRun } from '../support/programs.ts';

const run = promisify(execFile);
const script = join(PROJECT_ROOT, 'bin', 'node-24.js');
const isRecent = Number.parseInt(process.versions.node, 10) >= 24;

test.each(['bench', 'sizing', 'package'])('`npm run %s` runs by it', async (name) => {
  const { scripts } = JSON.parse(await readFile(join(PROJECT_ROOT, 'package.json'), 'utf8')) as {
    readonly scripts: Readonly<Record<string, string>>;
  };
  expect(scripts[name]).toMatch(/(^|&& )node bin\/node-24\.js (dist|bin)\/[\w/-]+\.js$/);
});

// Another Node gets it from npm, which is not everywhere.
(isRecent || isFullRun ? describe : describe.skip)('a program', () => {
  test('gets it, its arguments, and gives its exit code', async () => {
    const code = 'console.log(process.versions.node, ...process.argv.slice(1)); process.exitCode = 3';
    const ended = await run(process.execPath, [script, '-e', code, 'one', 'two']).catch(
      (error: unknown) => error,
    );
    expect(ended).toMatchObject({
      code: 3,
      stdout: expect.stringMatching(/^2[4-9]\.\d+\.\d+ one two\n$/) as string,
    });
  });
});
