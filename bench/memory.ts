/** Memory: the peak of a process, and equal conditions for all contestants. */
import { closeSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { freemem } from 'node:os';
import { join } from 'node:path';

/** Peak resident memory of this process in bytes, as the kernel recorded it. */
export async function peakMemory(): Promise<number> {
  const status = await readFile('/proc/self/status', 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}

const PIECE = Buffer.alloc(1_048_576, 1);

/**
 * Touches free memory, so that the machine has this many bytes ready. A hypervisor may take back memory that its guest has
 * not touched for two seconds, and touching it again costs more than a second of CPU per GiB: without this, the contestant
 * that starts slowest would pay.
 * @param folder on a disk with room for as many bytes
 */
export function warmMemory(folder: string, bytes: number): void {
  const path = join(folder, 'warm');
  const file = openSync(path, 'wx');
  try {
    const length = Math.min(bytes, freemem() / 2);
    for (let at = 0; at < length; at += PIECE.length) writeSync(file, PIECE, 0, PIECE.length, at);
  } finally {
    closeSync(file);
    unlinkSync(path);
  }
}
