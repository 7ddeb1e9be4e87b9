/** A file written from its beginning to its end, in which zeros take no room. */
import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { isZero } from '../inspection/reader.ts';

/** Bytes collected before they are written. */
const BATCH = 1_048_576;
/** Zeros that fill one such piece are left out. */
const PIECE = 16_384;
/** Bytes written after which they are sent to the disk, so that the end need not wait for all of them. */
const SYNC_EVERY = 256 * 1_048_576;

export class SparseFile {
  readonly #file: FileHandle;
  readonly #hash = createHash('sha256');
  #batch = Buffer.allocUnsafeSlow(BATCH);
  #spare = Buffer.allocUnsafeSlow(BATCH);
  #filled = 0;
  #position = 0;
  #unsynced = 0;
  #writing: Promise<void> = Promise.resolve();
  #syncing: Promise<void> = Promise.resolve();

  /** @param file empty */
  constructor(file: FileHandle) {
    this.#file = file;
  }

  /** One batch is on its way to the disk while the next is collected and hashed. */
  async write(chunk: Buffer): Promise<void> {
    for (let at = 0; at < chunk.length;) {
      const copied = chunk.copy(this.#batch, this.#filled, at);
      this.#filled += copied;
      at += copied;
      if (this.#filled === BATCH) await this.#flush();
    }
  }

  /** @returns the SHA-256 of the whole file */
  async finish(): Promise<string> {
    await this.#flush();
    await this.#writing;
    await this.#syncing;
    await this.#file.truncate(this.#position);
    return this.#hash.digest('hex');
  }

  /** Waits until nothing is on its way to the disk any more, however that ends. */
  async settle(): Promise<void> {
    await Promise.allSettled([this.#writing, this.#syncing]);
  }

  async #flush(): Promise<void> {
    await this.#writing;
    const bytes = this.#batch.subarray(0, this.#filled);
    this.#writing = inBackground(this.#store(bytes, this.#position));
    this.#position += bytes.length;
    this.#filled = 0;
    [this.#batch, this.#spare] = [this.#spare, this.#batch];
    this.#hash.update(bytes);
  }

  async #store(bytes: Buffer, position: number): Promise<void> {
    for (const { from, to } of filledParts(bytes)) {
      for (let at = from; at < to;) {
        at += (await this.#file.write(bytes, at, to - at, position + at)).bytesWritten;
      }
      this.#unsynced += to - from;
    }
    if (this.#unsynced < SYNC_EVERY) return;
    await this.#syncing;
    this.#unsynced = 0;
    this.#syncing = inBackground(this.#file.datasync());
  }
}

/** Runs of pieces that are not all zeros. */
export function filledParts(bytes: Buffer): readonly { readonly from: number; readonly to: number }[] {
  const parts: { from: number; to: number }[] = [];
  for (let from = 0; from < bytes.length; from += PIECE) {
    const to = Math.min(from + PIECE, bytes.length);
    if (isZero(bytes.subarray(from, to))) continue;
    const last = parts.at(-1);
    if (last?.to === from) last.to = to;
    else parts.push({ from, to });
  }
  return parts;
}

/** Its failure is met where it is awaited. */
function inBackground(work: Promise<void>): Promise<void> {
  work.catch(() => undefined);
  return work;
}
