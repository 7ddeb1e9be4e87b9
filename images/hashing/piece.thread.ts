/**
 * The thread of a `PieceHasher`: hashes pieces of a file. It answers orders one by one, in the order in which they
 * came.
 */
import { createHash } from 'node:crypto';
import { readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import type { Span } from '../spans.ts';

export interface PieceTask {
  /**
   * File descriptor; threads share those of their process. The owner keeps the file open as long as the thread lives.
   */
  readonly fd: number;
  /** Name of the digest for `createHash`. */
  readonly name: string;
}

export type PieceNews =
  | { readonly hex: string }
  /** The file ended before the end of the piece. */
  | { readonly shorter: true }
  | { readonly code: string | undefined; readonly message: string };

const READ_BYTES = 262_144;

const { fd, name } = workerData as PieceTask;
const buffer = Buffer.allocUnsafeSlow(READ_BYTES);

const send = (news: PieceNews): void => parentPort?.postMessage(news);

function hash({ first, end }: Span): PieceNews {
  const digest = createHash(name);
  for (let position = first; position < end;) {
    const count = readSync(fd, buffer, 0, Math.min(buffer.length, end - position), position);
    if (count === 0) return { shorter: true };
    digest.update(buffer.subarray(0, count));
    position += count;
  }
  return { hex: digest.digest('hex') };
}

parentPort?.on('message', (piece: Span) => {
  try {
    send(hash(piece));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    send({ code, message });
  }
});
