/** Creates the file that all contestants download. */
import { createHash, randomFillSync } from 'node:crypto';
import { open } from 'node:fs/promises';

const PIECE = 8 * 1_048_576;

/**
 * Writes random bytes, which nothing on the way can compress. The first sector is a partition table, so that the file is
 * a raw disk and never looks like another format by accident.
 * @returns the SHA-256 in hex
 */
export async function writeRandomFile(path: string, size: number, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  const piece = Buffer.alloc(Math.min(PIECE, size));
  const file = await open(path, 'wx', 0o644);
  try {
    for (let position = 0; position < size;) {
      signal.throwIfAborted();
      randomFillSync(piece);
      if (position === 0) partitionTable(size).copy(piece);
      const chunk = piece.subarray(0, Math.min(piece.length, size - position));
      hash.update(chunk);
      await file.writeFile(chunk);
      position += chunk.length;
    }
    await file.datasync();
  } finally {
    await file.close();
  }
  return hash.digest('hex');
}

/** `cli`, `hlt`, and back to the `hlt`: a machine that boots it takes no processor time. */
const HALT = Buffer.from([0xfa, 0xf4, 0xeb, 0xfd]);

/** An MBR with one Linux partition over the rest of the disk, whose code halts. */
function partitionTable(size: number): Buffer {
  const sector = Buffer.alloc(512);
  HALT.copy(sector);
  sector.writeUInt8(0x83, 450);
  sector.writeUInt32LE(1, 454);
  sector.writeUInt32LE(Math.max(1, Math.floor(size / 512) - 1), 458);
  sector.writeUInt16BE(0x55aa, 510);
  return sector;
}

/** Reads a file once, so that the page cache has it. */
export async function warm(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    const buffer = Buffer.allocUnsafe(PIECE);
    while ((await file.read(buffer, 0, buffer.length, null)).bytesRead > 0);
  } finally {
    await file.close();
  }
}
