/**
 * One start per folder, for the life of a process, without a system program. Each contender lays down a file that is
 * named after itself (pid, start time, boot of the machine) and then looks whether another one there is alive. A dead
 * one stays dead, so its file can be removed by whoever sees it; and of two that come together at least one sees the
 * other.
 */
import { readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { identify, isAlive } from './processes.ts';

export interface FolderLock {
  release(): Promise<void>;
}

/** Another process has it. */
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
    // Both may have come at once, and then both make way; not again at the same moment.
    await sleep(20 + Math.random() * 100);
  }
}

async function ownName(): Promise<string> {
  const self = await identify(process.pid);
  if (self === undefined) throw new Error('/proc is not there: Bypass runs on Linux');
  return `${self.pid}-${self.startTicks}-${await bootId()}`;
}

const bootId = async (): Promise<string> =>
  (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim().replaceAll('-', '');

/** @returns the pid of another one that lives; removes what dead ones left */
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
