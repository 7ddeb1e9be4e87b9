/** The state folder of a host worker: its lock and the file of known pools. */
import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { chmod, mkdir, open, readFile } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import pLimit from 'p-limit';
import * as z from 'zod/mini';
import type { KnownPools } from '../images/pools/pools.ts';
import { message, readJson, text, version } from '../model/messages/schema.ts';
import { replaceFile } from '../platform/replace-file.ts';
import { StartError } from './start-error.ts';

const PRIVATE = 0o700;
const LOCKED_BY_ANOTHER = 1;

/** @throws StartError when the folder cannot be made */
export async function openStateDir(path: string): Promise<void> {
  try {
    // Folders above it are not private: QEMU's user passes through them to the folder of the machines.
    await mkdir(dirname(path), { recursive: true });
    await mkdir(path, { recursive: true, mode: PRIVATE });
    await chmod(path, PRIVATE);
  } catch (error) {
    throw new StartError(`the state folder ${path} cannot be used (${(error as Error).message})`, {
      cause: error,
    });
  }
}

export interface StateLock {
  release(): Promise<void>;
}

/**
 * Locks the folder for the life of this process. The kernel holds the lock and releases it when the process ends, in
 * whatever way. The lock guarantees that no other process of this host writes to its part files.
 * @param program path of util-linux's flock
 * @throws StartError when another process holds the lock, or locking fails
 */
export async function lockStateDir(path: string, program = 'flock'): Promise<StateLock> {
  const file = await open(
    join(path, 'lock'),
    constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW,
    0o600,
  );
  try {
    const code = await flock(program, file);
    if (code === LOCKED_BY_ANOTHER) {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(32), 0, 32, 0);
      const pid = buffer.toString('latin1', 0, bytesRead).trim();
      throw new StartError(
        `a host worker runs with the state folder ${path} already (process ${pid || 'unknown'})`,
      );
    }
    if (code !== 0)
      throw new StartError(`the state folder ${path} cannot be locked (flock ended with ${code})`);
    await file.truncate(0);
    await file.write(`${process.pid}\n`, 0);
    return { release: () => file.close() };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Node has no flock(2). The lock belongs to the open file, which the program inherits as descriptor 3. */
function flock(program: string, file: FileHandle): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, ['-n', '3'], { stdio: ['ignore', 'ignore', 'ignore', file.fd] });
    child.on('error', (error) => {
      reject(
        new StartError(
          `the program flock is needed and cannot be run (${error.message}): install util-linux on this host`,
          { cause: error },
        ),
      );
    });
    child.on('exit', (code) => resolve(code ?? -1));
  });
}

interface PoolsFile {
  readonly v: 1;
  /** Path → pool id. */
  readonly pools: Readonly<Record<string, string>>;
}

const poolsFile = message<PoolsFile>({ v: version(), pools: z.record(z.string(), text()) });

/**
 * Which pools this host has seen at which path, so that one that is not mounted is not taken for a new one. To use a
 * path for another pool, remove its entry from the file.
 * @throws StartError when the file is damaged
 */
export async function loadKnownPools(stateDir: string): Promise<KnownPools> {
  const path = join(stateDir, 'pools.json');
  const pools = await readPools(path);
  /** One write after the other, so that the newest content stays. */
  const oneAtATime = pLimit(1);
  const save = async (): Promise<void> => {
    const file: PoolsFile = { v: 1, pools: Object.fromEntries(pools) };
    await replaceFile(path, `${JSON.stringify(file, undefined, 2)}\n`);
  };
  return {
    idOf: (root) => pools.get(root),
    remember(root, id) {
      pools.set(root, id);
      return oneAtATime(save);
    },
  };
}

async function readPools(path: string): Promise<Map<string, string>> {
  const json = await readFile(path, 'utf8').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  });
  if (json === undefined) return new Map();
  const { value } = readJson(poolsFile, json);
  if (value !== undefined) return new Map(Object.entries(value.pools));
  throw new StartError(
    `${path} is damaged: it says which pool was seen where; mount all pools, then remove it, and they are read anew`,
  );
}
