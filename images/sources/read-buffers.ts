/** Memory that a connection reads into, used again once its reader is done with it: large reads, and hardly any garbage. */

const SLAB = 262_144;
/** With less room than that left, a slab is full. */
const LEAST = 65_536;

interface Slab {
  readonly bytes: Buffer;
  /** Bytes that were read into it. */
  filled: number;
  /** Bytes that nobody needs any more. */
  returned: number;
  full: boolean;
}

/**
 * A slab is used again only when all that was read into it came back. What never does (headers, the lengths between
 * chunks, what a reader kept or lost) costs no more than memory: such slabs are left to the garbage collector.
 */
export class ReadBuffers {
  readonly #slabs = new WeakMap<ArrayBufferLike, Slab>();
  readonly #free: Slab[] = [];
  #current: Slab | undefined;

  /** Where the next bytes go. */
  next(): Buffer {
    if (this.#current !== undefined && SLAB - this.#current.filled < LEAST) {
      this.#current.full = true;
      this.#reuse(this.#current);
      this.#current = undefined;
    }
    this.#current ??= this.#free.pop() ?? this.#create();
    return this.#current.bytes.subarray(this.#current.filled);
  }

  /** Bytes have come into what `next` gave. @returns those bytes */
  came(count: number): Buffer {
    const slab = this.#current ?? this.#create();
    slab.filled += count;
    return slab.bytes.subarray(slab.filled - count, slab.filled);
  }

  /** Nobody reads these bytes any more. They are given back once; others than those of the connection are let be. */
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
