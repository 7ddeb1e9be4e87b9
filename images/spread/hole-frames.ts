/**
 * The transfer coding (RFC 9112, section 7) in which hosts give each other images: zeros cost nothing on the line. A range is
 * coded after it was chosen, so that positions and tags are those of the plain bytes.
 *
 * The body is a sequence of frames. Each begins with two numbers of 32 bits, the most significant byte first: how many zeros
 * come, and how many bytes follow after them; then these bytes. A frame holds 1 MiB at most, and is never empty. Frames end
 * with the range.
 */
import { ImageError } from '../../model/failures.ts';
import { counted } from '../../model/grammar.ts';
import { stretchesOf } from '../holes.ts';
import { ZEROS } from '../reader.ts';

/** Its name in TE and Transfer-Encoding. A host of a release without it neither asks for it nor gives it. */
export const HOLES_CODING = 'bypass-holes';

const HEADER = 8;
/** Bytes of a frame, zeros included. So a host that lies makes no more of a few bytes than this. */
const MAX_FRAME = 1_048_576;
/** Bytes of a batch, zeros included. */
const BATCH = 1_048_576;

/** @returns codes consecutive chunks of a file from a position on. What it gives refers to the chunk. */
export function holeFrames(position: number): (chunk: Buffer) => readonly Buffer[] {
  return (chunk) => {
    const frames: Buffer[] = [];
    let zeros = 0;
    for (const { first, end, zeros: isHole, chunks } of stretchesOf([chunk], position)) {
      if (!isHole) frames.push(header(zeros, end - first), ...chunks);
      zeros = isHole ? end - first : 0;
    }
    if (zeros > 0) frames.push(header(zeros, 0));
    position += chunk.length;
    return frames;
  };
}

function header(zeros: number, bytes: number): Buffer {
  const frame = Buffer.allocUnsafe(HEADER);
  frame.writeUInt32BE(zeros, 0);
  frame.writeUInt32BE(bytes, 4);
  return frame;
}

export interface CodedBody {
  readonly batches: AsyncIterable<readonly Buffer[]>;
  /** Bytes of the range. */
  readonly length: number;
  /** Gets headers of frames, whose memory is free. */
  readonly giveBack: (chunks: readonly Buffer[]) => void;
}

/**
 * Decodes a body. Zeros are chunks of ZEROS, however many a frame claims: they take no memory.
 * @throws ImageError PeerWrong for frames that hold more than the range
 */
export async function* plainBytes(body: CodedBody): AsyncGenerator<readonly Buffer[]> {
  const frames = new FrameReader(body);
  for await (const batch of body.batches) yield* inBatches(frames.read(batch));
}

function* inBatches(chunks: Iterable<Buffer>): Generator<readonly Buffer[]> {
  let [batch, size]: [Buffer[], number] = [[], 0];
  for (const chunk of chunks) {
    batch.push(chunk);
    size += chunk.length;
    if (size < BATCH) continue;
    yield batch;
    [batch, size] = [[], 0];
  }
  if (size > 0) yield batch;
}

class FrameReader {
  readonly #giveBack: CodedBody['giveBack'];
  readonly #header = Buffer.alloc(HEADER);
  #filled = 0;
  /** Of the present frame. */
  #zeros = 0;
  #bytes = 0;
  /** Bytes of the range that no frame has held yet. */
  #left: number;

  constructor({ length, giveBack }: CodedBody) {
    this.#left = length;
    this.#giveBack = giveBack;
  }

  *read(chunks: readonly Buffer[]): Generator<Buffer> {
    for (const chunk of chunks) {
      for (let at = 0; at < chunk.length;) {
        const part = chunk.subarray(at, at + (this.#bytes > 0 ? this.#bytes : HEADER - this.#filled));
        at += part.length;
        if (this.#bytes > 0) {
          this.#bytes -= part.length;
          yield part;
        } else {
          this.#addToHeader(part);
          yield* this.#hole();
        }
      }
    }
  }

  #addToHeader(part: Buffer): void {
    this.#filled += part.copy(this.#header, this.#filled);
    this.#giveBack([part]);
    if (this.#filled < HEADER) return;
    this.#filled = 0;
    this.#zeros = this.#header.readUInt32BE(0);
    this.#bytes = this.#header.readUInt32BE(4);
    const frame = this.#zeros + this.#bytes;
    if (frame === 0) throw new ImageError('PeerWrong', 'sends a frame that holds nothing');
    const most = Math.min(MAX_FRAME, this.#left);
    if (frame > most)
      throw new ImageError(
        'PeerWrong',
        `sends a frame of ${counted(frame, 'byte')} where at most ${most} fit`,
      );
    this.#left -= frame;
  }

  *#hole(): Generator<Buffer> {
    while (this.#zeros > 0) {
      const hole = ZEROS.subarray(0, this.#zeros);
      this.#zeros -= hole.length;
      yield hole;
    }
  }
}
