/** The stage after fetching: checks the digest of the complete file. */
import { formatChecksum, parseChecksum } from '../../model/checksum.ts';
import type { ChecksumAlgorithm } from '../../model/checksum.ts';
import { ImageError } from '../../model/failures.ts';
import type { Digester, Digests } from '../hashing/digester.ts';
import type { Part } from '../pools/pool.ts';
import type { DownloadRequest } from './download-request.ts';
import type { ProgressMeter } from './progress-meter.ts';

/** Algorithms for the file as transferred: SHA-256 always, and that of the registered checksum. */
export const algorithmsOf = ({ checksum }: DownloadRequest): readonly ChecksumAlgorithm[] =>
  checksum === undefined ? ['SHA-256'] : ['SHA-256', parseChecksum(checksum).algorithm];

/** @param checksum `{ALG}hex` @throws ImageError ChecksumMismatch when the file has another checksum */
export async function verify(
  part: Part,
  digester: Digester,
  checksum: string | undefined,
  meter: ProgressMeter,
): Promise<Digests> {
  meter.phase('verifying', { total: part.position, bytes: digester.position });
  // The digester has already read most bytes that this attempt fetched; bytes of earlier attempts may be left.
  digester.onRead = (count) => meter.addReused(count);
  const digests = await digester.finish();
  if (checksum !== undefined) requireChecksum(digests, checksum);
  return digests;
}

function requireChecksum(digests: Digests, checksum: string): void {
  const wanted = parseChecksum(checksum);
  const found = digests.get(wanted.algorithm);
  if (found?.hex === wanted.hex) return;
  const has = found === undefined ? 'none' : formatChecksum(found);
  throw new ImageError('ChecksumMismatch', `has checksum ${has} instead of ${formatChecksum(wanted)}`);
}
