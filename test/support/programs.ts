/**
 * Tests that need what a machine may lack. `npm test` installs it where it can; where it cannot, they are counted as
 * skipped.
 */
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

/** Where programs are looked for that only root usually has in its PATH. */
const MORE_FOLDERS = ['/usr/sbin', '/sbin'];

/** `describe`, or `describe.skip` where one of the programs is not installed. */
export const needing = (...programs: readonly string[]): jest.Describe =>
  programs.every((name) => findProgram(name) !== undefined) ? describe : describe.skip;

export function findProgram(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(':'), ...MORE_FOLDERS];
  return folders.map((folder) => join(folder, name)).find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Set by `npm run test:full`: what takes long is done at full size. */
export const isFullRun = process.env['BYPASS_TEST_FULL'] === '1';
