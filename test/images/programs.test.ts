import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROTOCOLS } from '../../images/fetch/protocols/registry.ts';
import { programsFor, reportPrograms } from '../../images/programs.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bypass-programs-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function program(name: string, script: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  return path;
}
const versionOf = async (name: string, printsVersion = true): Promise<string | undefined> =>
  (await reportPrograms([{ name, purpose: 'x', args: ['--version'], printsVersion }]))[0]?.version;

test('the version is read from either output, whatever the exit code', async () => {
  expect(await versionOf(await program('a', 'echo; echo "a 1.2 $1"; echo more'))).toBe('a 1.2 --version');
  expect(await versionOf(await program('b', 'echo b 2 >&2; exit 3'))).toBe('b 2');
});

test('a program that is absent or not executable has no version', async () => {
  expect(await versionOf(join(folder, 'none'))).toBeUndefined();
  await writeFile(join(folder, 'no-program'), '');
  expect(await versionOf(join(folder, 'no-program'))).toBeUndefined();
});

test('a program that prints no version counts as installed', async () => {
  expect(await versionOf(await program('a', ''))).toBe('installed');
  expect(await versionOf(await program('b', 'echo usage'), false)).toBe('installed');
});

test('a program that reads its input or prints without end is stopped', async () => {
  expect(await versionOf(await program('a', 'cat; echo a 1'))).toBe('a 1');
  expect(await versionOf(await program('b', 'yes b 1'))).toBe('b 1');
});

test('control characters in a version are replaced', async () => {
  expect(await versionOf(await program('a', String.raw`printf 'a \033[31m1'`))).toBe('a ?[31m1');
});

test('every program of a host is reported with its purpose', async () => {
  const found = await reportPrograms(programsFor(PROTOCOLS));
  expect(found.map(({ name }) => name)).toEqual(programsFor(PROTOCOLS).map(({ name }) => name));
  for (const { purpose } of found) expect(purpose).not.toBe('');
});
