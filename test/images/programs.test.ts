import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROGRAMS, reportPrograms } from '../../images/programs.ts';

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
const ask = async (name: string, tells = true): Promise<string | undefined> =>
  (await reportPrograms([{ name, purpose: 'x', ask: ['--version'], tells }]))[0]?.version;

test('a program says its version, on whichever output and with whichever code', async () => {
  expect(await ask(await program('a', 'echo; echo "a 1.2 $1"; echo more'))).toBe('a 1.2 --version');
  expect(await ask(await program('b', 'echo b 2 >&2; exit 3'))).toBe('b 2');
});

test('one that is not there has no version', async () => {
  expect(await ask(join(folder, 'none'))).toBeUndefined();
  await writeFile(join(folder, 'no-program'), '');
  expect(await ask(join(folder, 'no-program'))).toBeUndefined();
});

test('one that says nothing, or nothing of use, is installed', async () => {
  expect(await ask(await program('a', ''))).toBe('installed');
  expect(await ask(await program('b', 'echo usage'), false)).toBe('installed');
});

test('one that reads its input, or prints without end, ends', async () => {
  expect(await ask(await program('a', 'cat; echo a 1'))).toBe('a 1');
  expect(await ask(await program('b', 'yes b 1'))).toBe('b 1');
});

test('what it prints is shown harmlessly', async () => {
  expect(await ask(await program('a', String.raw`printf 'a \033[31m1'`))).toBe('a ?[31m1');
});

test('the programs of a host are asked all at once, and none is missed', async () => {
  const found = await reportPrograms();
  expect(found.map(({ name }) => name)).toEqual(PROGRAMS.map(({ name }) => name));
  for (const { purpose } of found) expect(purpose).not.toBe('');
});
