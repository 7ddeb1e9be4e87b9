/** Digests over bytes that pass by, several at once when they are wanted. */
import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { digestName, formatChecksum } from '../model/checksum.ts';
import type { Checksum, ChecksumAlgorithm } from '../model/checksum.ts';

export interface Digests {
  update(chunk: Buffer): void;
  /** Ends them all; asked once. */
  finish(): ReadonlyMap<ChecksumAlgorithm, Checksum>;
}

export function createDigests(algorithms: Iterable<ChecksumAlgorithm>): Digests {
  const hashes = new Map<ChecksumAlgorithm, Hash>();
  for (const algorithm of algorithms) {
    if (!hashes.has(algorithm)) hashes.set(algorithm, createHash(digestName(algorithm)));
  }
  return {
    update(chunk) {
      for (const hash of hashes.values()) hash.update(chunk);
    },
    finish() {
      return new Map(
        [...hashes].map(([algorithm, hash]) => [algorithm, { algorithm, hex: hash.digest('hex') }]),
      );
    },
  };
}

/** The digest of a stream of bytes, written `{ALG}hex`. */
export async function digest(
  chunks: AsyncIterable<Buffer> | Iterable<Buffer>,
  algorithm: ChecksumAlgorithm,
): Promise<string> {
  const digests = createDigests([algorithm]);
  for await (const chunk of chunks) digests.update(chunk);
  return formatChecksum(digests.finish().get(algorithm) as Checksum);
}
