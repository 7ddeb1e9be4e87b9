/** Packages of npm that not everybody needs: fetched into the cache when they are. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
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
  mkdirSync(cache, { recursive: true });
  const unfinished = mkdtempSync(join(cache, 'unfinished-'));
  try {
    const args = ['install', '--ignore-scripts', '--no-save', '--no-package-lock', '--prefix', unfinished];
    const { status, stderr, error } = spawnSync('npm', [...args, `${name}@${version}`], {
      encoding: 'utf8',
      timeout: NPM_MS,
    });
    if (status !== 0) throw new Error(error?.message ?? stderr.trim().split('\n').at(-1), { cause: error });
    renameSync(unfinished, prefix);
    return folder;
  } catch (error) {
    // Another process was faster.
    if (existsSync(folder)) return folder;
    throw error;
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}
