/** Writes a file from beginning to end, with holes for long runs of zeros. */
import type { FileHandle } from 'node:fs/promises';
import { stretchesOf, writeAll } from '../holes.ts';

/** Bytes collected before they are written. */
const BATCH = 1_048_576;

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
   * @param onGrown called with the number of bytes written; what it throws is thrown by `write`
   */
  constructor(file: FileHandle, onGrown: (length: number) => Promise<void>) {
    this.#file = file;
    this.#onGrown = onGrown;
  }

  /** Collects a batch while the one before is being written. */
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

  /** Waits for the write that is under way, whether it succeeds or fails. */
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
    const stretches = stretchesOf([bytes], position);
    for (const { zeros, chunks, first } of stretches) {
      if (!zeros) await writeAll(this.#file, chunks, first);
    }
    // Zeros at the end of the batch are part of the file.
    if (stretches.at(-1)?.zeros === true) await this.#file.truncate(position + bytes.length);
  }
}

/** Runs work whose failure is handled later, when it is awaited. */
function inBackground(work: Promise<void>): Promise<void> {
  work.catch(() => undefined);
  return work;
}
