/** Packages of npm that not everybody needs: fetched into the cache when they are. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const NPM_MS = 300_000;

/**
 * @param {string} cache folder
 * @param {string} name of the package
 * @param {string} version
 * @returns {string} folder of the package
 * @throws Error that says why npm could not get it
 */
export function fetchPackage(cache, name, version) {
  const prefix = join(cache, `${name.replaceAll('/', '-').replace('@', '')}-${version}`);
  const folder = join(prefix, 'node_modules', name);
  if (existsSync(folder)) return folder;
  const args = ['install', '--no-save', '--no-package-lock', '--prefix', prefix, `${name}@${version}`];
  const { status, stderr } = spawnSync('npm', args, { encoding: 'utf8', timeout: NPM_MS });
  if (status !== 0) throw new Error((stderr ?? '').trim().split('\n').at(-1));
  return folder;
}
