/** Folders of the cache that are whole or absent, however many processes make them at once, and wherever one of them is stopped. */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * @param {string} folder made when it is absent
 * @param {(unfinished: string) => void} install fills a folder beside it, which gets its name then
 * @throws what `install` throws, when there is no folder
 */
export function installOnce(folder, install) {
  if (existsSync(folder)) return;
  mkdirSync(dirname(folder), { recursive: true });
  const unfinished = mkdtempSync(join(dirname(folder), 'unfinished-'));
  try {
    chmodSync(unfinished, 0o755);
    install(unfinished);
    renameSync(unfinished, folder);
  } catch (error) {
    // Another process may have been faster.
    if (!existsSync(folder)) throw error;
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

/** @throws Error with the last line that the program wrote, or why it did not run to its end */
export function runInstaller(command, args, timeoutMs) {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8', timeout: timeoutMs });
  if (status !== 0) throw new Error(error?.message ?? stderr.trim().split('\n').at(-1), { cause: error });
}
