/** Opens the data folder and locks it, so that one installation at a time runs on it. */
import { StartError } from '../workers/start-error.ts';
import { openDataFolder } from './data-folder.ts';
import type { DataFolder } from './data-folder.ts';
import { AlreadyRunning, lockFolder } from './folder-lock.ts';

export interface Claim {
  readonly folder: DataFolder;
  release(): Promise<void>;
}

/** @throws StartError when another process has locked the folder, or the folder cannot be created */
export async function claimFolder(path: string): Promise<Claim> {
  const folder = await openDataFolder(path).catch((error: unknown) => {
    throw new StartError(`The data folder ${path} cannot be used (${(error as Error).message})`, {
      cause: error,
    });
  });
  try {
    const lock = await lockFolder(folder.locks);
    return { folder, release: () => lock.release() };
  } catch (error) {
    if (!(error instanceof AlreadyRunning)) throw error;
    throw new StartError(
      `Bypass runs on ${folder.root} already (process ${error.pid}): use that one, stop it, or give another --data-dir`,
      { cause: error },
    );
  }
}
