/** Reads a file from its beginning while another party is still writing it. */
import type { FileHandle } from 'node:fs/promises';
import { becameShorter } from '../disk-errors.ts';

const CHUNK = 1_048_576;

export class GrowingFile {
  readonly #file: FileHandle;
  #length = 0;
  #complete = false;
  #wake: (() => void) | undefined;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  /** Reports that the first `length` bytes are written. */
  grow(length: number): void {
    this.#length = Math.max(this.#length, length);
    this.#wake?.();
  }

  /** Reports that the file will not grow any more. */
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

  /**
   * Chunks from two alternating buffers: each is valid until the next but one is requested, so that the caller may
   * process one while the other is being read.
   * @throws the signal's reason when aborted
   */
  async *chunks(signal: AbortSignal, onRead: (count: number) => void): AsyncGenerator<Buffer> {
    let [buffer, other] = [Buffer.allocUnsafeSlow(CHUNK), Buffer.allocUnsafeSlow(CHUNK)];
    for (let position = 0; ;) {
      signal.throwIfAborted();
      const length = Math.min(CHUNK, this.#length - position);
      if (length > 0) {
        const count = await this.#read(buffer.subarray(0, length), 0, position);
        position += count;
        onRead(count);
        yield buffer.subarray(0, count);
        [buffer, other] = [other, buffer];
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
