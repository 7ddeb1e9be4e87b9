/** The real qemu-img, if installed: tests compare Bypass's verdicts with those of qemu-img. */
import { execFileSync, spawnSync } from 'node:child_process';

export const run = (program: string, ...args: readonly string[]): string =>
  execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

/** Creates a qcow2 image with some data. */
export function createQcow2(path: string, options: readonly string[] = [], size = '64M'): void {
  const each = options.flatMap((option) => ['-o', option]);
  run('qemu-img', 'create', '-q', '-f', 'qcow2', ...each, path, size);
}

/** Writes a pattern at positions of the disk. */
export const write = (path: string, ...places: readonly string[]): string =>
  run('qemu-io', '-f', 'qcow2', ...places.flatMap((place) => ['-c', place]), path);

/** 0: no fault; 2: corrupt; 3: leaks only. */
export const checkStatus = (path: string): number | null =>
  spawnSync('qemu-img', ['check', '-q', '-f', 'qcow2', path]).status;

/**
 * Errors that the check finds. Leaks do not count, nor does a missing COPIED flag: it only costs a copy.
 */
export function checkFaults(path: string): readonly string[] {
  const { status, stdout, stderr } = spawnSync('qemu-img', ['check', '-f', 'qcow2', path], {
    encoding: 'utf8',
  });
  if (status === 0 || status === 3) return [];
  const faults = `${stdout}\n${stderr}`
    .split('\n')
    .filter((line) => /^(?:ERROR|qemu-img)/.test(line) && !/OFLAG_COPIED.*refcount=1$/.test(line));
  return status === 2 ? faults : [...faults, `status ${status}`];
}
