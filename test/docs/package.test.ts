/** The package that `npm pack` makes of a built tree: it runs without its sources and without a compiler. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PROJECT_ROOT } from '../../platform/installation.ts';
import { ensureBuilt } from '../support/ensure-built.ts';

const run = promisify(execFile);

let folder: string;
let files: readonly string[];

beforeAll(async () => {
  await ensureBuilt();
  folder = await mkdtemp(join(tmpdir(), 'bypass-package-'));
  await run('npm', ['pack', '--pack-destination', folder], { cwd: PROJECT_ROOT });
  const [tarball = ''] = await readdir(folder);
  await run('tar', ['-xzf', join(folder, tarball), '-C', folder]);
  files = await readdir(join(folder, 'package'), { recursive: true });
  await symlink(join(PROJECT_ROOT, 'node_modules'), join(folder, 'package', 'node_modules'));
});
afterAll(() => rm(folder, { recursive: true }));

const bypass = async (...args: readonly string[]): Promise<string> => {
  const program = join(folder, 'package', 'bin', 'bypass.js');
  return (await run(process.execPath, [program, ...args], { cwd: folder })).stdout;
};

test('the package has the compiled program, the threads, the workflows and the page', () => {
  expect(files).toEqual(
    expect.arrayContaining([
      'dist/bin/main.js',
      'dist/images/hashing/digest.thread.js',
      'dist/images/hashing/piece.thread.js',
      'dist/trust/scrypt.thread.js',
      'dist/workers/transfer.thread.js',
      'dist/workers/workflow.thread.js',
      'dist/workflow-bundle.js',
      'dist/ui/index.html',
    ]),
  );
});

test('the package has no sources, no tests, no benchmarks, no packages of others and no tools of developers', () => {
  expect(files.filter((name) => /\.tsx?$|(?:^|\/)(?:test|bench|node_modules|debian)\//.test(name))).toEqual(
    [],
  );
  expect(files.filter((name) => name.startsWith('bin/')).toSorted()).toEqual([
    'bin/build.js',
    'bin/bypass.js',
    'bin/download-temporal.js',
  ]);
});

test('an unpacked package runs its commands and compiles nothing', async () => {
  expect(await bypass('--version')).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect(await bypass('host', 'run', '--help')).toContain('Run the host worker');
  expect((await readdir(join(folder, 'package', 'dist'))).filter((name) => name.startsWith('.'))).toEqual([]);
});
