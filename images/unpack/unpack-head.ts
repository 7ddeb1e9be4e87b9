/** Unpacks the beginning of a packed file: enough to recognise what is inside. */
import { ImageError } from '../../model/failures.ts';
import type { Compression } from '../../model/source.ts';
import { HEAD_LENGTH } from '../inspect/format.ts';
import { decode } from './decode.ts';
import type { DecodeOptions } from './decode.ts';
import { LOCAL_LENGTH, localTail, parseLocal } from './zip-records.ts';
import { ZstdFrames } from './zstd-frames.ts';

export interface UnpackedHead {
  /** The first 64 KiB, or as much as could be unpacked. */
  readonly head: Buffer;
  /** Whether `head` is the complete unpacked file. */
  readonly whole: boolean;
  /** Unpacked bytes that the packed file declares. */
  readonly claimed?: number;
}

/**
 * @param packed the first bytes of the file
 * @param whole whether they are the complete file
 * @throws ImageError when this host cannot unpack the file, or must not
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
    // The end of an incomplete file is missing: that is no damage.
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
    // Unpacking reports what is wrong with the file.
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
