/** The one folder that `npm start` keeps everything in. */
import { chmod, mkdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';

export interface DataFolder {
  /** Absolute, without links. */
  readonly root: string;
  /** Who runs on this folder. */
  readonly locks: string;
  readonly masterKey: string;
  /** The first administrator's password and keys. */
  readonly admin: string;
  readonly postgres: string;
  /** What PostgreSQL works in. */
  readonly postgresData: string;
  readonly temporalDatabase: string;
  /** What Temporal's clients find our server by: TEMPORAL_CONFIG_FILE. */
  readonly temporalClient: string;
  /** The pool that all hosts mount, when there are several. */
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

/** Makes it when absent, for this user only. */
export async function openDataFolder(path: string): Promise<DataFolder> {
  const made = await mkdir(path, { recursive: true, mode: 0o700 });
  if (made !== undefined) await chmod(path, 0o700);
  const root = await realpath(path);
  const folder = layOut(root);
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
    temporalDatabase: join(root, 'temporal', 'temporal.db'),
    temporalClient: join(root, 'temporal', 'client.toml'),
    sharedPool: join(root, 'shared'),
    log: (name) => join(root, 'logs', `${name}.log`),
    host(n) {
      const home = join(root, 'hosts', String(n));
      return { state: join(home, 'state'), pool: join(home, 'pool'), invite: join(home, 'invite') };
    },
  };
}
