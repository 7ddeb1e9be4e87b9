/**
 * What is in a pool, whatever it is. The pool's folder and that of part files are opened once, and names are looked up in the
 * open folders: so nothing is found that is not in this very folder, and no link is followed.
 */
import { constants } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { lstat, open, readdir, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { ImageError } from '../../../model/failures.ts';
import { POOL_MARKER } from '../../../model/names.ts';
import type { ListedFile, PoolFile, PoolFileRole, PoolFileType } from '../../../model/pool-files.ts';
import { errnoOf } from '../../../platform/errno.ts';
import { openRegular } from '../../regular-files.ts';
import { isUuid } from '../../uuid.ts';
import type { Pool } from '../pool.ts';
import { PARTS_FOLDER } from './part-file.ts';
import { DRAFT } from './volumes.ts';

const BLOCK = 512;

/** What file systems put into their root by themselves. */
const OF_FILE_SYSTEM = 'lost+found';

/** Sorted by name. @throws ImageError PoolNotMounted when the root is not this pool now */
export async function listFiles(pool: Pool): Promise<readonly PoolFile[]> {
  return within(pool, '', async (root) => {
    const own = await entriesOf(root, '', [POOL_MARKER, PARTS_FOLDER]);
    const parts = await within(pool, PARTS_FOLDER, (folder) => entriesOf(folder, `${PARTS_FOLDER}/`, []));
    return [...own, ...(parts ?? (await strangerAt(root, PARTS_FOLDER)))].toSorted((a, b) =>
      a.name < b.name ? -1 : 1,
    );
  }).then((files) => files ?? []);
}

/** Opens a regular file of the pool for reading; undefined when its name is another's, or nobody's, now. */
export const openFile = (pool: Pool, name: string): Promise<FileHandle | undefined> =>
  withFolderOf(pool, name, async (folder, base) => {
    try {
      return await openRegular(`${pathOf(folder)}/${base}`, constants.O_RDONLY);
    } catch (error) {
      if (error instanceof ImageError || errnoOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  });

/**
 * Removes a listed file.
 * @returns why it stays, as the end of a sentence; undefined when it is gone
 */
export const removeFile = (pool: Pool, { name, inode }: ListedFile): Promise<string | undefined> =>
  withFolderOf(pool, name, async (folder, base) => {
    const path = `${pathOf(folder)}/${base}`;
    const found = await lstatIfThere(path);
    if (found === undefined) return undefined;
    if (!found.isFile()) return 'is not a regular file';
    if (String(found.ino) !== inode) return 'is another file than the one that was listed';
    await unlink(path);
    await folder.sync();
    return undefined;
  });

/** The entries of an open folder are reached through its descriptor. */
const pathOf = ({ fd }: FileHandle): string => `/proc/self/fd/${fd}`;

const FOLDER = constants.O_RDONLY | constants.O_DIRECTORY;

/** @returns undefined when there is no such folder in the pool, or only something else of its name */
async function within<T>(
  pool: Pool,
  name: '' | typeof PARTS_FOLDER,
  work: (folder: FileHandle) => Promise<T>,
): Promise<T | undefined> {
  const root = await open(pool.config.path, FOLDER);
  try {
    await pool.check();
    if (name === '') return await work(root);
    const folder = await openIn(root, name);
    if (folder === undefined) return undefined;
    try {
      return await work(folder);
    } finally {
      await folder.close();
    }
  } finally {
    await root.close();
  }
}

const openIn = (root: FileHandle, name: string): Promise<FileHandle | undefined> =>
  open(`${pathOf(root)}/${name}`, FOLDER | constants.O_NOFOLLOW).catch((error: unknown) => {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  });

async function withFolderOf<T>(
  pool: Pool,
  name: string,
  work: (folder: FileHandle, base: string) => Promise<T>,
): Promise<T | undefined> {
  const inParts = name.startsWith(`${PARTS_FOLDER}/`);
  const base = inParts ? name.slice(PARTS_FOLDER.length + 1) : name;
  if (['', '.', '..', POOL_MARKER].includes(base) || base.includes('/') || base.includes('\0'))
    throw new TypeError(`'${name.slice(0, 60)}' is no name of a file of a pool`);
  return within(pool, inParts ? PARTS_FOLDER : '', (folder) => work(folder, base));
}

async function entriesOf(
  folder: FileHandle,
  prefix: string,
  except: readonly string[],
): Promise<readonly PoolFile[]> {
  const found: PoolFile[] = [];
  for (const bytes of await readdir(pathOf(folder), { encoding: 'buffer' })) {
    const base = bytes.toString();
    if (except.includes(base)) continue;
    const stat = await lstatIfThere(Buffer.concat([Buffer.from(`${pathOf(folder)}/`), bytes]));
    if (stat === undefined || (base === OF_FILE_SYSTEM && stat.isDirectory())) continue;
    // No other process of Bypass could say the name of such a file, so that it can only be shown.
    const isText = Buffer.from(base).equals(bytes);
    const { role, id } = isText ? meaningOf(base, prefix) : { role: 'other' as const, id: undefined };
    found.push({
      ...fileOf(stat, isText ? typeOf(stat) : 'other'),
      name: `${prefix}${isText ? base : bytes.toString('latin1')}`,
      role,
      ...(id === undefined ? {} : { id }),
    });
  }
  return found;
}

/** What has the name of the folder of part files and is none. */
async function strangerAt(root: FileHandle, name: string): Promise<readonly PoolFile[]> {
  const stat = await lstatIfThere(`${pathOf(root)}/${name}`);
  return stat === undefined ? [] : [{ ...fileOf(stat, typeOf(stat)), name, role: 'other' }];
}

const lstatIfThere = (path: string | Buffer): Promise<BigIntStats | undefined> =>
  lstat(path, { bigint: true }).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  });

const typeOf = (stat: BigIntStats): PoolFileType => {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'folder';
  return stat.isSymbolicLink() ? 'link' : 'other';
};

const fileOf = (stat: BigIntStats, type: PoolFileType) => ({
  type,
  size: stat.isFile() ? Number(stat.size) : 0,
  physicalSize: stat.isFile() ? Number(stat.blocks) * BLOCK : 0,
  inode: String(stat.ino),
  modified: new Date(Number(stat.mtimeMs)).toISOString(),
});

function meaningOf(base: string, prefix: string): { readonly role: PoolFileRole; readonly id?: string } {
  const id = base.slice(0, 36);
  const rest = base.slice(36);
  if (!isUuid(id)) return { role: 'other' };
  if (prefix === '') {
    if (rest === '') return { role: 'image', id };
    return rest === '.nvram' || rest === '.nvram.new' ? { role: 'firmware', id } : { role: 'other' };
  }
  if (!rest.startsWith('.') || !isUuid(rest.slice(1, 37))) return { role: 'other' };
  return { role: rest.endsWith(DRAFT) ? 'draft' : 'part', id };
}
