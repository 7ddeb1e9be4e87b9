/** Where this program lies, be it run from dist/ or from its sources. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of package.json. */
export const PROJECT_ROOT = findRoot(dirname(fileURLToPath(import.meta.url)));

/** The compiled program that every process of Bypass is a command of. */
export const PROGRAM = join(PROJECT_ROOT, 'dist', 'workers', 'main.js');

function findRoot(folder: string): string {
  if (existsSync(join(folder, 'package.json'))) return folder;
  const parent = dirname(folder);
  if (parent === folder)
    throw new Error('The folder of package.json was not found: the installation is damaged');
  return findRoot(parent);
}
