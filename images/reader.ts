/** Reads parts of a file, and tables of it slice by slice, so that no table need fit into memory. */
import type { FileHandle } from 'node:fs/promises';
import { becameShorter } from './disk-errors.ts';
import type { Span } from './spans.ts';

/** Bytes of a table that are read at once. */
const SLICE = 256 * 1024;
/** Nobody writes to it. */
export const ZEROS = Buffer.alloc(SLICE);

/** Reads `length` bytes, or fewer when the file ends before. */
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

/**
 * Reads a span of a file. Each chunk is valid until the next one is requested.
 * @throws ImageError DiskBroken when the file ends within the span
 */
export async function* readChunks(file: FileHandle, { first, end }: Span): AsyncGenerator<Buffer> {
  const buffer = Buffer.allocUnsafe(1_048_576);
  for (let position = first; position < end;) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, end - position), position);
    if (bytesRead === 0) throw becameShorter();
    yield buffer.subarray(0, bytesRead);
    position += bytesRead;
  }
}

/** Whether all bytes are 0. */
export function isZero(bytes: Buffer): boolean {
  for (let at = 0; at < bytes.length; at += SLICE) {
    const part = bytes.subarray(at, at + SLICE);
    if (ZEROS.compare(part, 0, part.length, 0, part.length) !== 0) return false;
  }
  return true;
}

/**
 * Visits the nonzero entries of a table of 64-bit words, as two halves so that numbers above 2^53 stay exact. Entries
 * beyond the end of the file count as 0.
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
