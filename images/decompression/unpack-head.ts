/** The beginning of a packed file, unpacked: enough to tell what is in it. */
import { ImageError } from '../../model/failures.ts';
import type { Compression } from '../../model/source.ts';
import { HEAD_LENGTH } from '../inspection/format.ts';
import { decode } from './decode.ts';
import type { DecodeOptions } from './decode.ts';
import { LOCAL_LENGTH, localTail, parseLocal } from './zip-records.ts';
import { ZstdFrames } from './zstd-frames.ts';

export interface UnpackedHead {
  /** The first 64 KiB, or as much as could be unpacked. */
  readonly head: Buffer;
  /** Whether that is all there is. */
  readonly whole: boolean;
  /** Bytes that the file says to unpack to. */
  readonly claimed?: number;
}

/**
 * @param packed the first bytes of the file
 * @param whole whether they are all
 * @throws ImageError when the file cannot be unpacked on this host, or is not to be
 */
export async function unpackHead(
  compression: Compression,
  packed: Buffer,
  whole: boolean,
  options: Omit<DecodeOptions, 'partial'>,
): Promise<UnpackedHead> {
  const claimed = claimedSize(compression, packed);
  const chunks: Buffer[] = [];
  let length = 0;
  let ended = false;
  try {
    for await (const chunk of decode(compression, once(packed), { ...options, partial: !whole })) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > HEAD_LENGTH) break;
    }
    ended = length <= HEAD_LENGTH && whole;
  } catch (error) {
    // Of a part, the end is missing.
    if (whole || !(error instanceof ImageError) || error.kind !== 'DamagedArchive') throw error;
  }
  return {
    head: Buffer.concat(chunks).subarray(0, HEAD_LENGTH),
    whole: ended,
    ...(claimed === undefined ? {} : { claimed }),
  };
}

// oxlint-disable-next-line typescript/require-await -- a stream of one chunk
async function* once(chunk: Buffer): AsyncGenerator<Buffer> {
  yield chunk;
}

function claimedSize(compression: Compression, packed: Buffer): number | undefined {
  try {
    const size = compression === 'zstd' ? zstdSize(packed) : compression === 'zip' ? zipSize(packed) : 0;
    return size !== undefined && size > 0 && Number.isSafeInteger(size) ? size : undefined;
  } catch {
    // What is wrong with it is told by unpacking it.
    return undefined;
  }
}

function zstdSize(packed: Buffer): number | undefined {
  const frames = new ZstdFrames(Infinity);
  frames.look(packed.subarray(0, 4096));
  return frames.contentSize;
}

function zipSize(packed: Buffer): number {
  const tail = packed.subarray(LOCAL_LENGTH, LOCAL_LENGTH + localTail(packed));
  return parseLocal(packed.subarray(0, LOCAL_LENGTH), tail).unpacked;
}
