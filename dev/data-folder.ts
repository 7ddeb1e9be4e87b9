/** The folder in which `npm start` keeps all its state, and the paths in it. */
import { chmod, mkdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';

export interface DataFolder {
  /** Absolute path without symbolic links. */
  readonly root: string;
  /** Folder of lock files (folder-lock.ts). */
  readonly locks: string;
  readonly masterKey: string;
  /** File with the first administrator's password and keys. */
  readonly admin: string;
  readonly postgres: string;
  /** PostgreSQL's data directory. */
  readonly postgresData: string;
  /** The database of Temporal's development server. */
  readonly temporalDatabase: string;
  /** Temporal's password at PostgreSQL, where the cluster runs. */
  readonly clusterPassword: string;
  /** Folder of a link to Temporal's CLI, for scripts that call it by its name. */
  readonly temporalPrograms: string;
  /** Configuration of Temporal's clients for the development server (TEMPORAL_CONFIG_FILE). */
  readonly temporalClient: string;
  /** The pool that all hosts mount, when there are several hosts. */
  readonly sharedPool: string;
  log(process: string): string;
  host(n: number): HostFolder;
}

export interface HostFolder {
  /** Keys and id of the host. */
  readonly state: string;
  readonly pool: string;
  readonly invite: string;
}

/** Where root starts Bypass, libvirt runs guests as another user, who must pass through to their disks. */
const isRoot = process.getuid?.() === 0;
const FOR_OWNER = 0o700;
const PASSABLE = 0o011;

/**
 * Makes a folder that its owner alone lists, and through which guests reach their disks. What is secret in it has a mode of its
 * own. Of one that is there already, only the passage is opened.
 */
export async function makePassable(path: string): Promise<void> {
  const made = await mkdir(path, { recursive: true, mode: FOR_OWNER });
  const mode = made === undefined ? (await stat(path)).mode & 0o7777 : FOR_OWNER;
  const wanted = isRoot ? mode | PASSABLE : mode;
  if (made !== undefined || wanted !== mode) await chmod(path, wanted);
}

/** Creates the folder when absent; only this user lists it. @throws the file system's error */
export async function openDataFolder(path: string): Promise<DataFolder> {
  await makePassable(path);
  const root = await realpath(path);
  const folder = layOut(root);
  await makePassable(join(root, 'hosts'));
  for (const name of [folder.locks, join(root, 'logs'), join(root, 'temporal')]) {
    await mkdir(name, { recursive: true, mode: 0o700 });
  }
  return folder;
}

function layOut(root: string): DataFolder {
  const postgres = join(root, 'postgres');
  return {
    root,
    postgres,
    locks: join(root, 'locks'),
    masterKey: join(root, 'master.key'),
    admin: join(root, 'admin.json'),
    postgresData: join(postgres, 'data'),
    clusterPassword: join(postgres, 'password-temporal'),
    temporalDatabase: join(root, 'temporal', 'temporal.db'),
    temporalPrograms: join(root, 'temporal', 'bin'),
    temporalClient: join(root, 'temporal', 'client.toml'),
    sharedPool: join(root, 'shared'),
    log: (name) => join(root, 'logs', `${name}.log`),
    host(n) {
      const home = join(root, 'hosts', String(n));
      return { state: join(home, 'state'), pool: join(home, 'pool'), invite: join(home, 'invite') };
    },
  };
}
