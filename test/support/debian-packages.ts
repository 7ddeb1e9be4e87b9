/** Packages of Debian, unpacked into a folder: nothing is installed. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

export const DEBIAN_PACKAGE_PROGRAMS = ['apt-get', 'apt-cache', 'dpkg-deb'];

/** Downloads these packages alone. */
export function unpackPackages(names: readonly string[], into: string): void {
  const downloads = makeDownloads(into);
  execFileSync('apt-get', ['download', ...names], { cwd: downloads, stdio: 'ignore' });
  unpackAll(downloads, into);
}

/** Downloads of the package and of what it needs that which is not installed. */
export function unpackWithDependencies(name: string, into: string): void {
  const downloads = makeDownloads(into);
  mkdirSync(join(downloads, 'partial'));
  const options = ['-o', `Dir::Cache::Archives=${downloads}`, '-o', 'Debug::NoLocking=1'];
  const install = ['install', '-y', '--no-install-recommends', '--download-only', name];
  execFileSync('apt-get', [...options, ...install], { stdio: 'ignore' });
  unpackAll(downloads, into);
}

function makeDownloads(into: string): string {
  const folder = join(into, 'downloads');
  mkdirSync(folder, { recursive: true });
  return folder;
}

function unpackAll(folder: string, into: string): void {
  for (const name of readdirSync(folder).filter((one) => one.endsWith('.deb')))
    execFileSync('dpkg-deb', ['-x', join(folder, name), into], { stdio: 'ignore' });
}
