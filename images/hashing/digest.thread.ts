/**
 * The thread of a `Digester`: computes digests of a file that is still being written. It reads no further than its
 * last order allows.
 */
import { createHash } from 'node:crypto';
import { readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { PieceDigests } from './piece-digests.ts';

export interface DigestTask {
  /**
   * File descriptor; threads share those of their process. The owner keeps the file open as long as the thread lives.
   */
  readonly fd: number;
  /** Names of digests for `createHash`. */
  readonly names: readonly string[];
  /** Bytes of pieces that are hashed as well; absent: none are. */
  readonly pieceLength?: number | undefined;
}

export interface DigestOrder {
  /** The thread may read this many bytes from the beginning of the file. */
  readonly length: number;
  /** Whether the file is complete: the thread answers with the digests. */
  readonly last: boolean;
}

export type DigestNews =
  | { readonly position: number }
  | { readonly hexes: readonly string[]; readonly pieces: string }
  /** The file ended before the ordered length. */
  | { readonly shorter: true }
  | { readonly code: string | undefined; readonly message: string };

/** Bytes between two reports of the position. */
const REPORT_EVERY = 1_048_576;
/** Bytes of one read: few enough to stay in the processor's cache until they are hashed. */
const READ_BYTES = 262_144;

const { fd, names, pieceLength } = workerData as DigestTask;
const hashes = names.map((name) => createHash(name));
const pieces = pieceLength === undefined ? undefined : new PieceDigests(pieceLength);
const readers = [...hashes, ...(pieces === undefined ? [] : [pieces])];
const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
let position = 0;
let reported = 0;

const send = (news: DigestNews): void => parentPort?.postMessage(news);

function follow({ length, last }: DigestOrder): DigestNews {
  while (position < length) {
    const count = readSync(fd, buffer, 0, Math.min(buffer.length, length - position), position);
    if (count === 0) return { shorter: true };
    for (const reader of readers) reader.update(buffer.subarray(0, count));
    position += count;
    if (position - reported < REPORT_EVERY) continue;
    send({ position });
    reported = position;
  }
  if (!last) return { position };
  return { hexes: hashes.map((hash) => hash.digest('hex')), pieces: pieces?.digests() ?? '' };
}

parentPort?.on('message', (order: DigestOrder) => {
  try {
    send(follow(order));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    send({ code, message });
  }
});
