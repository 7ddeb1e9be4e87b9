/** Finds programs in the folders of PATH. */
import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';

/** @returns undefined when no folder has it */
export async function findProgram(name: string, folders: readonly string[]): Promise<string | undefined> {
  for (const folder of folders) {
    const path = join(folder, name);
    const isThere = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return path;
  }
  return undefined;
}
