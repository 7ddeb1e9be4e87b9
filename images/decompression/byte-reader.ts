/** Reads a stream of chunks piece by piece. */
import { damaged } from './failures.ts';

export class ByteReader {
  readonly #chunks: AsyncIterator<Buffer>;
  #unread: Buffer[] = [];
  #position = 0;

  constructor(chunks: AsyncIterable<Buffer>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Bytes given out and not put back. */
  get position(): number {
    return this.#position;
  }

  /** The next bytes, however many, good until more are asked for; undefined at the end. */
  async next(): Promise<Buffer | undefined> {
    const kept = this.#unread.shift();
    if (kept !== undefined) {
      this.#position += kept.length;
      return kept;
    }
    for (;;) {
      const { value, done } = await this.#chunks.next();
      if (done === true) return undefined;
      if (value.length === 0) continue;
      this.#position += value.length;
      return value;
    }
  }

  /** Puts back what was read too much. */
  unread(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#unread.unshift(chunk);
    this.#position -= chunk.length;
  }

  /** At most so many of the next bytes; undefined at the end. */
  async some(most: number): Promise<Buffer | undefined> {
    const chunk = await this.next();
    if (chunk === undefined) return undefined;
    this.unread(chunk.subarray(most));
    return chunk.subarray(0, most);
  }

  /** @throws ImageError when the stream ends before */
  async read(length: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let missing = length; missing > 0;) {
      const part = await this.some(missing);
      if (part === undefined) throw damaged('ends in the middle');
      parts.push(Buffer.from(part));
      missing -= part.length;
    }
    return Buffer.concat(parts);
  }
}
