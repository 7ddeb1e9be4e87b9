/** Tests that require programs. `npm test` installs the programs where it can; otherwise the tests are skipped. */
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

/** Folders of programs that usually only root has in its PATH. */
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

/** Whether this is `npm run test:full`, in which long tests run at full size. */
export const isFullRun = process.env['BYPASS_TEST_FULL'] === '1';

/** All cases in the full form, and the first `count` in the short form: the most telling ones come first. */
export const casesOfForm = <T>(cases: readonly T[], count = 1): readonly T[] =>
  isFullRun ? cases : cases.slice(0, count);
