/** The stage before publishing: checks that the file is an image of the registered format, and safe to open. */
import type { FileHandle } from 'node:fs/promises';
import type { ImageEvidence } from '../../model/evidence.ts';
import { sha256Of } from '../hashing/digester.ts';
import type { Digests } from '../hashing/digester.ts';
import { inspectFile } from '../inspect/inspect.ts';
import type { Part } from '../pools/pool.ts';
import { unpackedFrom } from '../unpack/compression.ts';
import type { Unpacked } from '../unpack/unpacker.ts';
import type { DownloadDeps, DownloadRequest } from './download-request.ts';

/** A verified file that passed the inspection. */
export interface InspectedImage {
  /** The part's file, or the scratch file with its unpacked content. */
  readonly file: FileHandle;
  /** Hex digest of `file`. */
  readonly sha256: string;
  /** Bytes that a VM sees. */
  readonly virtualSize: number;
  readonly evidence?: ImageEvidence;
}

/** @throws ImageError when the image is not of the registered format, or not safe to open */
export async function inspect(
  part: Part,
  digests: Digests,
  unpacked: Unpacked | undefined,
  { format, limits }: Pick<DownloadRequest, 'format'> & Pick<DownloadDeps, 'limits'>,
): Promise<InspectedImage> {
  const file = unpacked?.scratch.file ?? part.file;
  const sha256 = unpacked?.sha256 ?? sha256Of(digests);
  try {
    const { format: _format, ...found } = await inspectFile(file, format, limits);
    return { file, sha256, ...found };
  } catch (error) {
    throw unpacked === undefined ? error : unpackedFrom(unpacked.compression, error);
  }
}
