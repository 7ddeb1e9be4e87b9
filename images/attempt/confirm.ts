/**
 * The proof of bytes from other hosts. With a checksum, each host checks for itself. Without one, an image is right when it
 * has the SHA-256 of the first host that published its lineage: the control side told it, or the parent does. What a parent says
 * finds damage early; the control side believes none of it (db/spread/lineages.ts).
 */
import { ImageError } from '../../model/failures.ts';
import { peerUrl } from '../../model/spread.ts';
import type { Part } from '../pools/pool.ts';
import type { DownloadRequest } from './download-request.ts';
import type { Parent, Way } from './way.ts';

/** @throws ImageError PeerWrong, or ContentRefused at the origin, when the image is another one */
export async function confirm(
  part: Part,
  sha256: string,
  { checksum, parent }: Way,
  { lineages = [], signal }: Pick<DownloadRequest, 'lineages' | 'signal'>,
): Promise<void> {
  if (checksum !== undefined) return;
  const { lineage, givers } = part.provenance ?? {};
  const known = lineages.find((one) => one.lineage === lineage)?.sha256;
  if (parent === undefined) {
    // Bytes that all came from the origin are what the origin has.
    if (givers === undefined || known === sha256) return;
    const published = known ?? 'nothing';
    throw new ImageError('ContentRefused', `has SHA-256 ${sha256}; hosts have published ${published} of it`);
  }
  const wanted = parent.peer.sha256 ?? known ?? (await told(parent, lineage, signal));
  if (wanted === sha256) return;
  throw new ImageError('PeerWrong', `gave an image with SHA-256 ${sha256} instead of ${wanted}`, {
    url: peerUrl(parent.peer.hostId),
  });
}

async function told(
  { peer, copy }: Parent,
  lineage: string | undefined,
  signal: AbortSignal,
): Promise<string> {
  const known = await copy.digest(signal);
  if (known.lineage === lineage) return known.sha256;
  throw new ImageError(
    'PeerUnreachable',
    'has begun anew: it cannot say which SHA-256 these bytes must have',
    {
      url: peerUrl(peer.hostId),
    },
  );
}
