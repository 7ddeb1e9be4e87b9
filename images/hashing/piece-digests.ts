/** Hashes the pieces of a file whose bytes come in order. */
import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';

export class PieceDigests {
  readonly #length: number;
  /** Of the piece that is not complete; undefined between two pieces. */
  #hash: Hash | undefined;
  #missing = 0;
  #digests = '';

  /** @param length bytes of each piece but the last */
  constructor(length: number) {
    this.#length = length;
  }

  update(bytes: Buffer): void {
    for (let from = 0; from < bytes.length;) {
      if (this.#hash === undefined) this.#begin();
      const part = bytes.subarray(from, from + this.#missing);
      this.#hash?.update(part);
      this.#missing -= part.length;
      from += part.length;
      if (this.#missing === 0) this.#end();
    }
  }

  /** SHA-256 of each piece, hexadecimal, one after the other. Call it once, after the last byte. */
  digests(): string {
    if (this.#hash !== undefined) this.#end();
    return this.#digests;
  }

  #begin(): void {
    this.#hash = createHash('sha256');
    this.#missing = this.#length;
  }

  #end(): void {
    this.#digests += this.#hash?.digest('hex') ?? '';
    this.#hash = undefined;
  }
}
