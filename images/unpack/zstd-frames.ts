/**
 * Checks the frames of a zstd file (RFC 8878) on their way to the program: that each needs little enough memory, and
 * that nothing but zstd frames is among them (the program would unpack other formats too, with unlimited memory).
 */
import { damaged, hostile } from './failures.ts';

const FRAME = 0xfd2fb528;
const SKIPPABLE = 0x184d2a50;
const MIB = 1_048_576;

type State = 'magic' | 'skippable' | 'descriptor' | 'header' | 'block';

const CONTENT_SIZE = [0, 2, 4, 8] as const;

export class ZstdFrames {
  readonly #maxWindow: number;
  /** Unpacked bytes that the first frame declares; undefined while unknown. */
  contentSize: number | undefined;
  #state: State = 'magic';
  #wanted = 4;
  #got: Buffer = Buffer.alloc(0);
  #skip = 0;
  #descriptor = 0;
  #first = true;

  /** @param maxWindow maximum window of a frame, in bytes of memory */
  constructor(maxWindow: number) {
    this.#maxWindow = maxWindow;
  }

  /** @throws ImageError when a frame must not be unpacked */
  look(chunk: Buffer): void {
    for (let at = 0; at < chunk.length;) {
      const skipped = Math.min(this.#skip, chunk.length - at);
      this.#skip -= skipped;
      at += skipped;
      const taken = chunk.subarray(at, at + this.#wanted - this.#got.length);
      if (this.#skip > 0 || taken.length === 0) continue;
      at += taken.length;
      this.#got = Buffer.concat([this.#got, taken]);
      if (this.#got.length < this.#wanted) continue;
      const field = this.#got;
      this.#got = Buffer.alloc(0);
      this.#step(field);
    }
  }

  #step(field: Buffer): void {
    switch (this.#state) {
      case 'magic':
        return this.#onMagic(field.readUInt32LE(0));
      case 'skippable':
        return this.#expect('magic', 4, field.readUInt32LE(0));
      case 'descriptor':
        return this.#onDescriptor(field.readUInt8(0));
      case 'header':
        return this.#onHeader(field);
      case 'block':
        return this.#onBlock(field.readUIntLE(0, 3));
    }
  }

  #expect(state: State, wanted: number, skip = 0): void {
    this.#state = state;
    this.#wanted = wanted;
    this.#skip = skip;
  }

  #onMagic(magic: number): void {
    if (magic === FRAME) this.#expect('descriptor', 1);
    else if ((magic & 0xffff_fff0) === SKIPPABLE) this.#expect('skippable', 4);
    else throw damaged('has something among its frames that is not of zstd');
  }

  #onDescriptor(descriptor: number): void {
    this.#descriptor = descriptor;
    if ((descriptor & 8) !== 0) throw damaged('has a zstd frame of an unknown kind');
    if ((descriptor & 3) !== 0) throw hostile('needs a zstd dictionary');
    this.#expect('header', (this.#single ? 0 : 1) + this.#contentLength);
  }

  /** Whether the frame is a single segment: its window is its content. */
  get #single(): boolean {
    return (this.#descriptor & 0x20) !== 0;
  }

  get #contentLength(): number {
    const length = CONTENT_SIZE[(this.#descriptor >> 6) as 0 | 1 | 2 | 3];
    return length === 0 && this.#single ? 1 : length;
  }

  #onHeader(header: Buffer): void {
    const at = this.#single ? 0 : 1;
    const length = this.#contentLength;
    const size =
      length === 8
        ? Number(header.readBigUInt64LE(at))
        : length === 0
          ? undefined
          : header.readUIntLE(at, length) + (length === 2 ? 256 : 0);
    const window = this.#single ? (size ?? 0) : windowOf(header.readUInt8(0));
    if (window > this.#maxWindow) {
      throw hostile(
        `needs ${Math.ceil(window / MIB)} MiB of memory to unpack; at most ${Math.floor(this.#maxWindow / MIB)} MiB are given`,
      );
    }
    if (this.#first) this.contentSize = size;
    this.#first = false;
    this.#expect('block', 3);
  }

  #onBlock(block: number): void {
    const kind = (block >> 1) & 3;
    if (kind === 3) throw damaged('has a zstd block of an unknown kind');
    const length = kind === 1 ? 1 : block >> 3;
    if ((block & 1) === 0) this.#expect('block', 3, length);
    else this.#expect('magic', 4, length + ((this.#descriptor & 4) === 0 ? 0 : 4));
  }
}

const windowOf = (byte: number): number => {
  const base = 2 ** (10 + (byte >> 3));
  return base + (base / 8) * (byte & 7);
};

/** Passes bytes on after checking them. */
export async function* watchZstd(packed: AsyncIterable<Buffer>, maxWindow: number): AsyncGenerator<Buffer> {
  const frames = new ZstdFrames(maxWindow);
  for await (const chunk of packed) {
    frames.look(chunk);
    yield chunk;
  }
}
