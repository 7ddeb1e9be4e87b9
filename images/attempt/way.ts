/** From where an attempt fetches: the registered mirrors, or the one host that the control side named (model/spread.ts). */
import { ImageError } from '../../model/failures.ts';
import { peerUrl } from '../../model/spread.ts';
import type { PeerSource } from '../../model/spread.ts';
import type { PeerCopy } from '../fetch/protocols/peer/peer.ts';
import type { FetchTask } from '../fetch/task.ts';
import type { DownloadDeps, DownloadRequest } from './download-request.ts';
import { mirrorsOf } from './mirrors.ts';

export interface Way extends Pick<FetchTask, 'sources' | 'mirrors' | 'secrets' | 'connections' | 'size'> {
  /** Checksum of the file as this way gives it, `{ALG}hex`. */
  readonly checksum: string | undefined;
  /** The host that gives the bytes. */
  readonly parent?: Parent;
}

export interface Parent {
  readonly peer: PeerSource;
  readonly copy: PeerCopy;
}

/** @throws ImageError PeerUnreachable when this host cannot ask others */
export function wayOf(request: DownloadRequest, deps: DownloadDeps): Way {
  const { peer } = request;
  if (peer !== undefined) return wayFrom(peer, request, deps);
  const { secrets, size, checksum } = request;
  const { sources, connections } = deps;
  return { sources, mirrors: mirrorsOf(request), secrets, connections, size, checksum };
}

/** One connection, since others take from the host, too. Secrets stay here: they are for the origin. */
function wayFrom(peer: PeerSource, { size, checksum }: DownloadRequest, { peers }: DownloadDeps): Way {
  const url = peerUrl(peer.hostId);
  if (peers === undefined)
    throw new ImageError('PeerUnreachable', 'is not asked: this host takes from no others', { url });
  if (peer.unpacked === true && peer.sha256 === undefined)
    throw new ImageError('PeerUnreachable', 'is not asked: the SHA-256 of its image is not known', { url });
  const copy = peers(peer);
  return {
    sources: { for: () => copy },
    mirrors: [{ url, priority: 1, size: 0, ranges: true }],
    secrets: undefined,
    connections: 1,
    ...(peer.unpacked === true ? { size: 0, checksum: undefined } : { size, checksum }),
    parent: { peer, copy },
  };
}
