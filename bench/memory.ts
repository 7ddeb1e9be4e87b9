/** How much memory a program and all that it runs have had. */
import { readdir, readFile } from 'node:fs/promises';

/** Milliseconds between two looks. */
const EVERY_MS = 25;

export interface MemoryWatch {
  /** Bytes: the largest resident sets of all processes that were seen, added up. */
  stop(): number;
}

export function watchMemory(pid: number): MemoryWatch {
  const peaks = new Map<number, number>();
  let looking = false;
  const look = async (): Promise<void> => {
    if (looking) return;
    looking = true;
    await visit(pid, peaks);
    looking = false;
  };
  void look();
  const timer = setInterval(() => void look(), EVERY_MS);
  return {
    stop() {
      clearInterval(timer);
      return [...peaks.values()].reduce((sum, bytes) => sum + bytes, 0);
    },
  };
}

/**
 * The kernel keeps the maximum, so the latest look is the one that counts: an earlier one may have met a process that
 * was still a copy of its parent.
 */
async function visit(pid: number, peaks: Map<number, number>): Promise<void> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
  if (kilobytes !== undefined) peaks.set(pid, Number(kilobytes) * 1024);
  const children = await childrenOf(pid);
  await Promise.all(children.map((child) => visit(child, peaks)));
}

/** Each thread has its own. */
async function childrenOf(pid: number): Promise<readonly number[]> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  const lists = await Promise.all(
    threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/children`, 'utf8').catch(() => '')),
  );
  return lists.flatMap((list) => list.split(' ').filter(Boolean).map(Number));
}
