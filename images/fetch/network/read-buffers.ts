/** Memory that a connection reads into, and that is reused once its reader returns it: large reads, little garbage. */

/** Bytes. */
const SLAB = 262_144;
/** Bytes: a slab with less free room counts as full. */
const MIN_ROOM = 65_536;

interface Slab {
  readonly bytes: Buffer;
  /** Bytes that were read into it. */
  filled: number;
  /** Bytes that the reader returned. */
  returned: number;
  full: boolean;
}

/**
 * A slab is reused only when every byte read into it was returned. Some never are (headers, the lengths between chunks, what a
 * reader keeps); the garbage collector frees their slabs.
 */
export class ReadBuffers {
  readonly #slabs = new WeakMap<ArrayBufferLike, Slab>();
  readonly #free: Slab[] = [];
  #current: Slab | undefined;

  /** @returns memory for the next bytes */
  next(): Buffer {
    if (this.#current !== undefined && SLAB - this.#current.filled < MIN_ROOM) {
      this.#current.full = true;
      this.#reuse(this.#current);
      this.#current = undefined;
    }
    this.#current ??= this.#free.pop() ?? this.#create();
    return this.#current.bytes.subarray(this.#current.filled);
  }

  /** Records `count` bytes read into the memory that `next` returned. @returns those bytes */
  came(count: number): Buffer {
    const slab = this.#current ?? this.#create();
    slab.filled += count;
    return slab.bytes.subarray(slab.filled - count, slab.filled);
  }

  /** Returns bytes, each at most once, for reuse. Chunks that were not read through these buffers are ignored. */
  giveBack(chunks: readonly Buffer[]): void {
    for (const chunk of chunks) {
      const slab = this.#slabs.get(chunk.buffer);
      if (slab === undefined) continue;
      slab.returned += chunk.length;
      this.#reuse(slab);
    }
  }

  #create(): Slab {
    const slab = { bytes: Buffer.allocUnsafeSlow(SLAB), filled: 0, returned: 0, full: false };
    this.#slabs.set(slab.bytes.buffer, slab);
    return slab;
  }

  #reuse(slab: Slab): void {
    if (!slab.full || slab.returned !== slab.filled) return;
    slab.filled = 0;
    slab.returned = 0;
    slab.full = false;
    this.#free.push(slab);
  }
}
