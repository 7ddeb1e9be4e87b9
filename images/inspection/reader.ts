/** Reads parts of a file, so that no table need be in memory as a whole. */
import type { FileHandle } from 'node:fs/promises';

/** Bytes read at once from a table of any length. */
const SLICE = 256 * 1024;
const ZEROS = Buffer.alloc(SLICE);

/** @returns fewer bytes where the file ends before */
export async function readAt(
  file: FileHandle,
  position: number,
  length: number,
  buffer: Buffer = Buffer.allocUnsafe(length),
): Promise<Buffer> {
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

/** Whether a table, or a hole of the file, holds nothing. */
export function isZero(bytes: Buffer): boolean {
  for (let at = 0; at < bytes.length; at += SLICE) {
    const part = bytes.subarray(at, at + SLICE);
    if (ZEROS.compare(part, 0, part.length, 0, part.length) !== 0) return false;
  }
  return true;
}

/**
 * Visits the entries of a table of 64-bit words that are not 0, as two halves: numbers above 2^53 stay exact.
 * What lies beyond the end of the file counts as 0.
 */
export async function eachEntry(
  file: FileHandle,
  table: { readonly offset: number; readonly entries: number },
  visit: (high: number, low: number, index: number) => void | Promise<void>,
): Promise<void> {
  const buffer = Buffer.allocUnsafe(Math.min(SLICE, table.entries * 8));
  for (let first = 0; first < table.entries; first += SLICE / 8) {
    const length = Math.min(SLICE, (table.entries - first) * 8);
    const slice = await readAt(file, table.offset + first * 8, length, buffer);
    if (isZero(slice)) continue;
    for (let at = 0; at + 8 <= slice.length; at += 8) {
      const high = slice.readUInt32BE(at);
      const low = slice.readUInt32BE(at + 4);
      if ((high | low) === 0) continue;
      const done = visit(high, low, first + at / 8);
      if (done !== undefined) await done;
    }
  }
}
