/** Reads exact numbers of bytes from a stream of chunks. */
import { damaged } from './failures.ts';

export class ByteReader {
  readonly #chunks: AsyncIterator<Buffer>;
  #unread: Buffer[] = [];
  #position = 0;

  constructor(chunks: AsyncIterable<Buffer>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Number of bytes given out and not put back. */
  get position(): number {
    return this.#position;
  }

  /** The next chunk, of any length, valid until the next call; undefined at the end. */
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

  /** Puts back bytes that the caller read beyond what it needed. */
  unread(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#unread.unshift(chunk);
    this.#position -= chunk.length;
  }

  /** At most `maxLength` of the next bytes; undefined at the end. */
  async some(maxLength: number): Promise<Buffer | undefined> {
    const chunk = await this.next();
    if (chunk === undefined) return undefined;
    this.unread(chunk.subarray(maxLength));
    return chunk.subarray(0, maxLength);
  }

  /** Reads exactly `length` bytes. @throws ImageError when the stream ends before */
  async read(length: number): Promise<Buffer> {
    const bytes = await this.upTo(length);
    if (bytes.length < length) throw damaged('ends in the middle');
    return bytes;
  }

  /** A copy of the next `length` bytes, or of fewer when the stream ends before. */
  async upTo(length: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let missing = length; missing > 0;) {
      const part = await this.some(missing);
      if (part === undefined) break;
      parts.push(Buffer.from(part));
      missing -= part.length;
    }
    return Buffer.concat(parts);
  }
}
