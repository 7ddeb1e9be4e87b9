/** Looks at the files of pools: those that are published must be right, from the moment that they have their name. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readdir, readFile, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { partsIn, publishedIn } from '../support/pool-folder.ts';
import { errnoOf } from '../../platform/errno.ts';
import { PARTS_FOLDER } from '../../images/pools/files/part-file.ts';

/** SHA-256 of a file; undefined when it is gone. */
export async function sha256Of(path: string): Promise<string | undefined> {
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(path, { highWaterMark: 1_048_576 }), hash);
    return hash.digest('hex');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

export interface Published {
  readonly path: string;
  readonly name: string;
  readonly sha256: string;
}

const OVERLAY = 'QFI\u00FB';

export interface Looker {
  /** Files that have appeared since the last look; images, not disks of machines. */
  fresh(): Promise<readonly Published[]>;
}

export function lookInto(pools: readonly string[]): Looker {
  const known = new Set<string>();
  return {
    async fresh() {
      const found: Published[] = [];
      for (const pool of pools) {
        for (const name of await publishedIn(pool)) {
          const path = join(pool, name);
          const identity = await identityOf(path);
          if (identity === undefined || known.has(identity)) continue;
          known.add(identity);
          if (await isOverlay(path)) continue;
          const sha256 = await sha256Of(path);
          if (sha256 !== undefined) found.push({ path, name, sha256 });
        }
      }
      return found;
    },
  };
}

const identityOf = (path: string): Promise<string | undefined> =>
  stat(path).then(
    ({ ino, mtimeMs }) => `${path} ${ino} ${mtimeMs}`,
    () => undefined,
  );

/** Disks of machines stand on images, which are raw in a fault run. */
async function isOverlay(path: string): Promise<boolean> {
  const file = await open(path).catch(() => undefined);
  if (file === undefined) return false;
  try {
    const { buffer } = await file.read(Buffer.alloc(4), 0, 4, 0);
    return buffer.toString('latin1') === OVERLAY;
  } finally {
    await file.close();
  }
}

/** Bytes that lie on a pool of an unfinished copy. */
export async function partBytes(pool: string, copyId: string): Promise<number> {
  const names = (await partsIn(pool)).filter((name) => name.startsWith(copyId) && name.endsWith('.part'));
  const sizes = names.map((name) =>
    stat(join(pool, PARTS_FOLDER, name)).then(
      ({ blocks }) => blocks * 512,
      () => 0,
    ),
  );
  return Math.max(0, ...(await Promise.all(sizes)));
}

/** Files below these folders that a process has open for writing, as `device:inode path`. */
export async function writtenBy(pid: number, folders: readonly string[]): Promise<readonly string[]> {
  const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => []);
  const found = await Promise.all(
    descriptors.map(async (descriptor) => {
      try {
        const path = await readlink(`/proc/${pid}/fd/${descriptor}`);
        if (!folders.some((folder) => path.startsWith(`${folder}/`))) return [];
        const info = await readFile(`/proc/${pid}/fdinfo/${descriptor}`, 'utf8');
        const flags = /^flags:\s*(\d+)/m.exec(info)?.[1] ?? '';
        if ((Number.parseInt(flags, 8) & 3) === 0) return [];
        const { dev, ino } = await stat(`/proc/${pid}/fd/${descriptor}`);
        return [`${dev}:${ino} ${path}`];
      } catch {
        // It was closed meanwhile.
        return [];
      }
    }),
  );
  return found.flat();
}
