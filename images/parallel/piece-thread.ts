/** The program of a thread that hashes pieces of a file, and what it and its owner say to each other. */

export interface PieceTask {
  /** Of the process, so of its threads too; its owner keeps it open as long as the thread lives. */
  readonly fd: number;
  /** Name of the digest, as `createHash` knows it. */
  readonly name: string;
}

export interface PieceOrder {
  readonly first: number;
  readonly end: number;
}

export type PieceNews =
  | { readonly hex: string }
  /** The file ended before the bytes that were promised. */
  | { readonly shorter: true }
  | { readonly code: string | undefined; readonly message: string };

/** As text, for the reason that digest-thread.ts gives. Each order is answered, in their order. */
export const PIECE_THREAD = `'use strict';
const { createHash } = require('node:crypto');
const { readSync } = require('node:fs');
const { parentPort, workerData } = require('node:worker_threads');
const buffer = Buffer.allocUnsafeSlow(262144);

function hash({ first, end }) {
  const digest = createHash(workerData.name);
  for (let position = first; position < end; ) {
    const count = readSync(workerData.fd, buffer, 0, Math.min(buffer.length, end - position), position);
    if (count === 0) return { shorter: true };
    digest.update(buffer.subarray(0, count));
    position += count;
  }
  return { hex: digest.digest('hex') };
}

parentPort.on('message', (order) => {
  try {
    parentPort.postMessage(hash(order));
  } catch ({ code, message }) {
    parentPort.postMessage({ code, message });
  }
});
`;
