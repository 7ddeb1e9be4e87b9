/** Paths of the installation. They are the same for code that runs from the sources, from dist/ and from a package. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of package.json. */
export const PROJECT_ROOT = findRoot(dirname(fileURLToPath(import.meta.url)));

/** @param path relative to dist/ */
export const compiledFile = (path: string): string => join(PROJECT_ROOT, 'dist', path);

/** The compiled program `bypass`; every process is one of its commands. */
export const PROGRAM = compiledFile('bin/main.js');

function findRoot(folder: string): string {
  if (existsSync(join(folder, 'package.json'))) return folder;
  const parent = dirname(folder);
  if (parent === folder)
    throw new Error('The folder of package.json was not found: the installation is damaged');
  return findRoot(parent);
}
