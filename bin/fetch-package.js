/** Packages of npm that not everybody needs: fetched into the cache when they are. */
import { join } from 'node:path';
import { installOnce, runInstaller } from './install-once.js';

const NPM_MS = 300_000;

/**
 * @param {string} cache folder
 * @param {string} name of the package
 * @param {string} version
 * @returns {string} folder of the package
 * @throws Error that says why npm could not get it
 */
export function fetchPackage(cache, name, version) {
  const folder = join(cache, `${name.replaceAll('/', '-').replace('@', '')}-${version}`);
  installOnce(folder, (unfinished) => {
    const args = ['install', '--ignore-scripts', '--no-save', '--no-package-lock', '--prefix', unfinished];
    runInstaller('npm', [...args, `${name}@${version}`], NPM_MS);
  });
  return join(folder, 'node_modules', name);
}
