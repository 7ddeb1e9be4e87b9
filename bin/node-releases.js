/** Releases of Node, fetched from npm into the cache: for tests on each, and for what is to run by a certain one. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** What Bypass must work on: the oldest that it names, and those after it with long-term support. The last is for production. */
export const NODES = ['20.19.0', '22.23.5', '24.22.3'];

const NPM_MS = 300_000;

/**
 * @param {string} cache folder
 * @param {string} version
 * @returns {string} the program
 * @throws Error that says why npm could not get it
 */
export function fetchNode(cache, version) {
  const name = `node-${process.platform}-${process.arch}`;
  const folder = join(cache, `node-${version}`);
  const program = join(folder, 'node_modules', name, 'bin', 'node');
  if (existsSync(program)) return program;
  const args = ['install', '--no-save', '--no-package-lock', '--prefix', folder, `${name}@${version}`];
  const { status, stderr } = spawnSync('npm', args, { encoding: 'utf8', timeout: NPM_MS });
  if (status !== 0) throw new Error((stderr ?? '').trim().split('\n').at(-1));
  return program;
}
