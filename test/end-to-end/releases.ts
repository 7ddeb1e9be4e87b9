/**
 * Two releases of Bypass in one folder: the built one and, after `upgrade`, a next one with changed workflows and
 * rules.
 */
import { execFile } from 'node:child_process';
import { cp, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PROJECT_ROOT } from '../../platform/installation.ts';
import { ensureBuilt } from '../support/ensure-built.ts';

const run = promisify(execFile);

export const NEXT_VERSION = '99.0.0';

interface Edit {
  readonly file: string;
  readonly find: RegExp;
  /** Replacement; `$&` is the matched text. */
  readonly instead: string;
}

/** A step that histories of the previous release do not have. */
const addStep = (file: string, name: string, before: RegExp): readonly Edit[] => [
  { file, find: before, instead: `if (patched('${name}')) await sleep(1);\n$&` },
  { file, find: /^import /m, instead: "import { patched, sleep } from '@temporalio/workflow';\n$&" },
];

const CHANGES: readonly Edit[] = [
  { file: 'package.json', find: /"version": "[^"]*"/, instead: `"version": "${NEXT_VERSION}"` },
  ...addStep('dist/workflows/copy/attempt.js', 'wait-before-the-download', /const summary = `Download /),
  ...addStep('dist/workflows/copy/removal.js', 'wait-before-the-removal', /const choice = await /),
  {
    file: 'dist/model/rules/released.js',
    find: /const CURRENT = (\w+);/,
    instead: `const copy = { ...$1.timing.copy, hostWait: { firstMs: 1000, mostMs: 2000 } };
const CURRENT = { ...$1, version: $1.version + 1, timing: { ...$1.timing, copy } };
RELEASED.push(CURRENT);`,
  },
];

export interface Installed {
  /** The program and arguments that run a command of the release, such as `dev`. */
  readonly program: string;
  /** Replaces the files by the next release. Running processes go on until they are restarted. */
  upgrade(): Promise<void>;
}

/** @param folder a path that does not exist yet */
export async function installRelease(folder: string): Promise<Installed> {
  await ensureBuilt();
  for (const name of ['bin', 'dist', 'package.json'])
    await cp(join(PROJECT_ROOT, name), join(folder, name), { recursive: true });
  await symlink(join(PROJECT_ROOT, 'node_modules'), join(folder, 'node_modules'));
  return {
    program: join(folder, 'bin', 'bypass.js'),
    async upgrade() {
      for (const change of CHANGES) await edit(folder, change);
      await run(process.execPath, [join(folder, 'dist', 'workers', 'bundle.js')]);
    },
  };
}

/** Replaces a file atomically, so that a reader gets one of the two versions. */
async function edit(folder: string, { file, find, instead }: Edit): Promise<void> {
  const path = join(folder, file);
  const text = await readFile(path, 'utf8');
  if (!find.test(text)) throw new Error(`${file} has nothing like ${find}`);
  await writeFile(`${path}.new`, text.replace(find, instead));
  await rename(`${path}.new`, path);
}
