/** The readers of a part while it is fetched, so that little work is left at the end: digests, pieces, unpacking. */
import type { PieceHashes } from '../fetch/piece-hashes.ts';
import { Digester } from '../hashing/digester.ts';
import { PieceHasher } from '../hashing/piece-hasher.ts';
import type { Part } from '../pools/pool.ts';
import { Unpacker } from '../unpack/unpacker.ts';
import type { DownloadDeps, DownloadRequest } from './download-request.ts';
import { algorithmsOf } from './verify.ts';

export interface Followers {
  readonly digester: Digester;
  readonly unpacker: Unpacker;
  readonly hasher: PieceHasher | undefined;
  /** Ends all readers, and removes the unpacked file unless it was published. */
  close(): Promise<void>;
}

/** @param pieces hashes of the file's pieces, if known */
export function follow(
  part: Part,
  request: DownloadRequest,
  deps: DownloadDeps,
  pieces: PieceHashes | undefined,
): Followers {
  const { format, signal } = request;
  const { file } = part;
  const digester = new Digester({ file, algorithms: algorithmsOf(request), signal });
  const unpacker = new Unpacker({
    file,
    openScratch: () => part.openScratch(),
    format,
    signal,
    limits: deps.limits ?? {},
    settings: deps.unpack ?? {},
  });
  const hasher = pieces && new PieceHasher(file, pieces.algorithm);
  part.observe(digester);
  part.observe(unpacker);
  return {
    digester,
    unpacker,
    hasher,
    async close() {
      await digester.close();
      await unpacker.close();
      await hasher?.close();
    },
  };
}
