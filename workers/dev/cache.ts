/** Where programs that were downloaded are kept from one start to the next. */
import { lstat, mkdir } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { Surroundings } from './surroundings.ts';

/** Empty ones are as good as none. */
type Places = Pick<Surroundings, 'cacheHome' | 'home'>;

/**
 * The cache folder of this user, made when absent: below XDG_CACHE_HOME, else below the home folder, else (no home, or
 * one that cannot be written) below the folder of temporary files.
 */
export async function cacheFolder(places: Places): Promise<string> {
  for (const folder of candidates(places)) {
    if (await isOurs(folder)) return folder;
  }
  throw new Error(
    `No folder for downloaded programs can be made (tried ${candidates(places).join(', ')}): set XDG_CACHE_HOME`,
  );
}

function candidates({ cacheHome, home }: Places): readonly string[] {
  const homes = [home || undefined, systemHome()].filter((folder) => folder !== undefined && folder !== '/');
  return [
    ...(!cacheHome ? [] : [join(cacheHome, 'bypass')]),
    ...homes.map((folder) => join(folder as string, '.cache', 'bypass')),
    join(tmpdir(), `bypass-cache-${userInfo().uid}`),
  ];
}

/** What the system's list of users says, whatever the environment does. */
function systemHome(): string | undefined {
  try {
    return userInfo().homedir || undefined;
  } catch {
    return undefined;
  }
}

/** Programs are run from there, so nobody else may be able to write into it. */
async function isOurs(folder: string): Promise<boolean> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const { uid, mode } = await lstat(folder);
    return uid === process.getuid?.() && (mode & 0o022) === 0;
  } catch {
    return false;
  }
}
