/** Hashes a small file where it is asked for, without a thread. */
import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { becameShorter } from '../disk-errors.ts';
import { unreadable } from './thread-failures.ts';

/** Bytes of one read: hashing them takes less than a millisecond, in which nothing else goes on. */
const READ_BYTES = 262_144;

/**
 * @param names of digests for `createHash`
 * @returns one digest for each name, in hex
 * @throws ImageError when the file cannot be read, or has fewer bytes; the signal's reason when aborted
 */
export async function hashSmallFile(
  file: FileHandle,
  length: number,
  names: readonly string[],
  { signal, onRead }: { readonly signal: AbortSignal; readonly onRead: (count: number) => void },
): Promise<readonly string[]> {
  const hashes = names.map((name) => createHash(name));
  const buffer = Buffer.allocUnsafe(Math.min(length, READ_BYTES));
  for (let position = 0; position < length;) {
    signal.throwIfAborted();
    const most = Math.min(buffer.length, length - position);
    const { bytesRead } = await file.read(buffer, 0, most, position).catch((error: NodeJS.ErrnoException) => {
      throw unreadable({ code: error.code, message: error.message });
    });
    if (bytesRead === 0) throw becameShorter();
    for (const hash of hashes) hash.update(buffer.subarray(0, bytesRead));
    position += bytesRead;
    onRead(bytesRead);
  }
  signal.throwIfAborted();
  return hashes.map((hash) => hash.digest('hex'));
}
