/**
 * A lock on a folder, held for the life of a process, without a system program. Each process first writes a lock file
 * whose name identifies the process (pid, start time, boot of the machine) and then checks whether the process of another
 * lock file is alive. Since both write before they check, at least one of two processes that come together sees the other:
 * two processes can never both hold the lock. A dead process stays dead, so any process may remove its file.
 */
import { readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { identify, isAlive } from './processes.ts';

export interface FolderLock {
  release(): Promise<void>;
}

/** Another process holds the lock. */
export class AlreadyRunning extends Error {
  readonly pid: number;

  constructor(pid: number) {
    super(`process ${pid} runs on this folder already`);
    this.pid = pid;
  }
}

const ATTEMPTS = 5;

/** @throws AlreadyRunning */
export async function lockFolder(locks: string): Promise<FolderLock> {
  const own = await ownName();
  for (let attempt = 1; ; attempt += 1) {
    await writeFile(join(locks, own), '');
    const other = await findOther(locks, own);
    if (other === undefined) return { release: () => rm(join(locks, own), { force: true }) };
    await rm(join(locks, own), { force: true });
    if (attempt >= ATTEMPTS) throw new AlreadyRunning(other);
    // Two processes that come together both give way. A random pause keeps them from doing so again.
    await sleep(20 + Math.random() * 100);
  }
}

/** The name of this process's lock file. */
async function ownName(): Promise<string> {
  const self = await identify(process.pid);
  if (self === undefined) throw new Error('/proc is not there: Bypass runs on Linux');
  return `${self.pid}-${self.startTicks}-${await bootId()}`;
}

const bootId = async (): Promise<string> =>
  (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim().replaceAll('-', '');

/** Removes the lock files of dead processes. @returns the pid of a living process that holds a lock file */
async function findOther(locks: string, own: string): Promise<number | undefined> {
  const boot = await bootId();
  for (const name of await readdir(locks)) {
    if (name === own) continue;
    const [pid = '', startTicks = '', bootOf] = name.split('-');
    if (bootOf === boot && (await isAlive({ pid: Number(pid), startTicks }))) return Number(pid);
    await rm(join(locks, name), { force: true });
  }
  return undefined;
}
