/** A file that somebody else is still writing, read from its beginning as it grows. */
import type { FileHandle } from 'node:fs/promises';
import { becameShorter } from '../files.ts';

const CHUNK = 1_048_576;

export class GrowingFile {
  readonly #file: FileHandle;
  #length = 0;
  #complete = false;
  #wake: (() => void) | undefined;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  /** So many bytes from the beginning are written. */
  grow(length: number): void {
    this.#length = Math.max(this.#length, length);
    this.#wake?.();
  }

  /** Nothing more will come. */
  complete(): void {
    this.#complete = true;
    this.#wake?.();
  }

  /** The first bytes: `length`, or all when the file is shorter. */
  async head(length: number, signal: AbortSignal): Promise<Buffer> {
    while (this.#length < length && !this.#complete) await this.#more(signal);
    const head = Buffer.alloc(Math.min(length, this.#length));
    for (let at = 0; at < head.length;) at += await this.#read(head, at, at);
    return head;
  }

  /** Each chunk is good until the next one is asked for. @throws the signal's reason when aborted */
  async *chunks(signal: AbortSignal, onRead: (count: number) => void): AsyncGenerator<Buffer> {
    const buffer = Buffer.allocUnsafeSlow(CHUNK);
    for (let position = 0; ;) {
      signal.throwIfAborted();
      const length = Math.min(CHUNK, this.#length - position);
      if (length > 0) {
        const count = await this.#read(buffer.subarray(0, length), 0, position);
        position += count;
        onRead(count);
        yield buffer.subarray(0, count);
      } else if (this.#complete) return;
      else await this.#more(signal);
    }
  }

  async #read(buffer: Buffer, at: number, position: number): Promise<number> {
    const { bytesRead } = await this.#file.read(buffer, at, buffer.length - at, position);
    if (bytesRead > 0) return bytesRead;
    throw becameShorter();
  }

  #more(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => reject(signal.reason as Error);
      signal.throwIfAborted();
      signal.addEventListener('abort', onAbort, { once: true });
      this.#wake = () => {
        this.#wake = undefined;
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
    });
  }
}
