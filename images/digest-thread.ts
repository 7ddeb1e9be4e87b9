/** The program of a digest thread, and what it and its owner say to each other. */

export interface DigestTask {
  /** Of the process, so of its threads too; its owner keeps it open as long as the thread lives. */
  readonly fd: number;
  /** Names of digests, as `createHash` knows them. */
  readonly names: readonly string[];
}

export interface DigestOrder {
  /** Bytes from the beginning of the file that may be read. */
  readonly length: number;
  /** Whether they are all. */
  readonly last: boolean;
}

export type DigestNews =
  | { readonly position: number }
  | { readonly hexes: readonly string[] }
  /** The file ended before the bytes that were promised. */
  | { readonly shorter: true }
  | { readonly code: string | undefined; readonly message: string };

/**
 * As text, because a thread's entry would have to be a file that Node can run, and Node 20 runs none of the sources:
 * so the thread is the same for what is compiled and for what is tested. Reads are small enough for the processor's
 * cache to hold what is hashed next.
 */
export const DIGEST_THREAD = `'use strict';
const { createHash } = require('node:crypto');
const { readSync } = require('node:fs');
const { parentPort, workerData } = require('node:worker_threads');
const NEWS_EVERY = 1048576;
const hashes = workerData.names.map((name) => createHash(name));
const buffer = Buffer.allocUnsafeSlow(262144);
let [position, told] = [0, 0];

function follow({ length, last }) {
  while (position < length) {
    const count = readSync(workerData.fd, buffer, 0, Math.min(buffer.length, length - position), position);
    if (count === 0) return { shorter: true };
    for (const hash of hashes) hash.update(buffer.subarray(0, count));
    position += count;
    if (position - told < NEWS_EVERY) continue;
    parentPort.postMessage({ position });
    told = position;
  }
  return last ? { hexes: hashes.map((hash) => hash.digest('hex')) } : { position };
}

parentPort.on('message', (order) => {
  try {
    parentPort.postMessage(follow(order));
  } catch ({ code, message }) {
    parentPort.postMessage({ code, message });
  }
});
`;
