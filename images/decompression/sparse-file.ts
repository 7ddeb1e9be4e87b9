/** A file written from its beginning to its end, in which zeros take no room. */
import type { FileHandle } from 'node:fs/promises';
import { isZero } from '../inspection/reader.ts';

/** Bytes collected before they are written. */
const BATCH = 1_048_576;
/** Zeros that fill one such piece are left out. */
const PIECE = 16_384;

export class SparseFile {
  readonly #file: FileHandle;
  readonly #onGrown: (length: number) => Promise<void>;
  #batch = Buffer.allocUnsafeSlow(BATCH);
  #spare = Buffer.allocUnsafeSlow(BATCH);
  #filled = 0;
  #position = 0;
  #writing: Promise<void> = Promise.resolve();

  /**
   * @param file empty
   * @param onGrown told how many bytes from the beginning are written; what it throws comes out of `write`
   */
  constructor(file: FileHandle, onGrown: (length: number) => Promise<void>) {
    this.#file = file;
    this.#onGrown = onGrown;
  }

  /** One batch is on its way to the disk while the next is collected. */
  async write(chunk: Buffer): Promise<void> {
    for (let at = 0; at < chunk.length;) {
      const copied = chunk.copy(this.#batch, this.#filled, at);
      this.#filled += copied;
      at += copied;
      if (this.#filled === BATCH) await this.#flush();
    }
  }

  async finish(): Promise<void> {
    await this.#flush();
    await this.#writing;
    await this.#onGrown(this.#position);
  }

  /** Waits until nothing is on its way to the disk any more, however that ends. */
  async settle(): Promise<void> {
    await Promise.allSettled([this.#writing]);
  }

  async #flush(): Promise<void> {
    await this.#writing;
    if (this.#position > 0) await this.#onGrown(this.#position);
    const bytes = this.#batch.subarray(0, this.#filled);
    this.#writing = inBackground(this.#store(bytes, this.#position));
    this.#position += bytes.length;
    this.#filled = 0;
    [this.#batch, this.#spare] = [this.#spare, this.#batch];
  }

  async #store(bytes: Buffer, position: number): Promise<void> {
    const parts = filledParts(bytes);
    for (const { from, to } of parts) {
      for (let at = from; at < to;) {
        at += (await this.#file.write(bytes, at, to - at, position + at)).bytesWritten;
      }
    }
    // Zeros at its end belong to the file, too.
    if ((parts.at(-1)?.to ?? 0) < bytes.length) await this.#file.truncate(position + bytes.length);
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
