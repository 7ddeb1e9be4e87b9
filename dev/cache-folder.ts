/** The folder that keeps downloaded programs from one start to the next. */
import { lstat, mkdir } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { DevEnvironment } from './environment.ts';

/** An empty value counts as absent. */
type Homes = Pick<DevEnvironment, 'cacheHome' | 'home'>;

/**
 * The cache folder of this user, created when absent: below XDG_CACHE_HOME, else below the home folder, else (when there
 * is no writable home folder) below the folder of temporary files.
 * @throws Error when no folder can be created
 */
export async function cacheFolder(homes: Homes): Promise<string> {
  for (const folder of candidates(homes)) {
    if (await isOurs(folder)) return folder;
  }
  throw new Error(
    `No folder for downloaded programs can be made (tried ${candidates(homes).join(', ')}): set XDG_CACHE_HOME`,
  );
}

function candidates({ cacheHome, home }: Homes): readonly string[] {
  const userHomes = [home || undefined, systemHome()].filter(
    (folder) => folder !== undefined && folder !== '/',
  );
  return [
    ...(!cacheHome ? [] : [join(cacheHome, 'bypass')]),
    ...userHomes.map((folder) => join(folder as string, '.cache', 'bypass')),
    join(tmpdir(), `bypass-cache-${userInfo().uid}`),
  ];
}

/** The home folder in the system's list of users; the variable HOME may be wrong or missing. */
function systemHome(): string | undefined {
  try {
    return userInfo().homedir || undefined;
  } catch {
    return undefined;
  }
}

/** Bypass runs programs from the cache, so no other user may be able to write into it. */
async function isOurs(folder: string): Promise<boolean> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const { uid, mode } = await lstat(folder);
    return uid === process.getuid?.() && (mode & 0o022) === 0;
  } catch {
    return false;
  }
}
