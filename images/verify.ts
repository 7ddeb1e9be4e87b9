/** Whether a file that has arrived as a whole is the one that was wanted, and an image that may be published. */
import { formatChecksum, parseChecksum } from '../model/checksum.ts';
import type { ImageEvidence } from '../model/evidence.ts';
import { ImageError } from '../model/failures.ts';
import type { Digester, Digests } from './digester.ts';
import { unpackedFrom } from './decompression/compression.ts';
import type { Unpacked, Unpacker } from './decompression/unpacker.ts';
import type { Attempt as FetchAttempt } from './attempt.ts';
import { inspectFile } from './inspection/inspect.ts';
import type { Publishable } from './publish.ts';

export interface Attempt extends FetchAttempt {
  readonly digester: Digester;
  readonly unpacker: Unpacker;
}

export interface Verified {
  /** The part file itself, or what was unpacked from it. */
  readonly image: Publishable;
  /** Of the image. */
  readonly sha256: string;
  /** Bytes that a VM sees. */
  readonly virtualSize: number;
  readonly evidence?: ImageEvidence;
}

/** The checksum is that of the file as transferred; the inspection is of what is published. */
export async function verify(attempt: Attempt): Promise<Verified> {
  const { request, deps, intake } = attempt;
  const digests = await digest(attempt);
  if (request.checksum !== undefined) {
    const wanted = parseChecksum(request.checksum);
    const found = digests.get(wanted.algorithm);
    if (found?.hex !== wanted.hex) {
      const has = found === undefined ? 'none' : formatChecksum(found);
      throw new ImageError('ChecksumMismatch', `has checksum ${has} instead of ${formatChecksum(wanted)}`);
    }
  }
  const unpacked = await unpack(attempt);
  const image = unpacked ?? intake.part;
  const sha256 = unpacked?.sha256 ?? digests.get('SHA-256')?.hex ?? '';
  try {
    const { format: _format, ...found } = await inspectFile(image.file, request.format, deps.limits);
    return { image, sha256, ...found };
  } catch (error) {
    throw unpacked === undefined ? error : unpackedFrom(unpacked.compression, error);
  }
}

/** It has read most of them already, unless they were there before this attempt. */
async function digest({ meter, intake, digester }: Attempt): Promise<Digests> {
  meter.phase('verifying', { total: intake.position, bytes: digester.position });
  digester.onRead = (count) => meter.addReused(count);
  return digester.finish();
}

async function unpack({ meter, intake, unpacker }: Attempt): Promise<Unpacked | undefined> {
  const total = intake.position;
  if (!unpacker.unpacking) return unpacker.finish();
  meter.phase('inflating', { total, bytes: unpacker.taken });
  unpacker.onTaken = (count) => meter.addReused(count);
  const unpacked = await unpacker.finish();
  meter.phase('verifying', { total, bytes: total });
  return unpacked;
}
