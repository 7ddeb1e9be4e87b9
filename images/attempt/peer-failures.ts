/**
 * Failures of an attempt that fetches from another host. They say something about that host and nothing about the template
 * or its origin: wrong by a checksum or by the SHA-256 that was promised (PeerWrong), or of no use for this attempt
 * (PeerUnreachable). What was right by these and then refused as an image would be refused from the origin, too: it keeps its
 * kind, as do failures of this host.
 */
import { failures, ImageError } from '../../model/failures.ts';
import type { FailureKind } from '../../model/failures.ts';
import type { Try } from '../../model/payloads.ts';
import { peerUrl } from '../../model/spread.ts';
import { ORIGIN } from '../fetch/sink.ts';
import type { Provenance } from '../fetch/sink.ts';
import type { DownloadRequest } from './download-request.ts';

export interface PeerAttempt {
  /** Undefined when the attempt fetches from the origin. */
  readonly hostId: string | undefined;
  /** Whether the bytes were right by their checksum or SHA-256. */
  proven: boolean;
  /**
   * Whether others gave bytes, too, in earlier attempts: then nobody knows whose are wrong, and nobody is blamed. All are
   * fetched again from this host alone.
   */
  mixed: boolean;
  /** Whether pieces are judged by hashes that nobody has proven: then it may be these that are wrong. */
  readonly unproven: boolean;
}

export const newPeerAttempt = ({
  peer,
  healing,
}: Pick<DownloadRequest, 'peer' | 'healing'>): PeerAttempt => ({
  hostId: peer?.hostId,
  proven: false,
  mixed: false,
  unproven: healing !== undefined && healing.proven !== true,
});

/** Call when all bytes are there, before they are judged. */
export function noteGivers(
  attempt: PeerAttempt,
  { givers = [ORIGIN] }: Pick<Provenance, 'givers'> = {},
): void {
  const { hostId } = attempt;
  attempt.mixed = hostId !== undefined && givers.some((giver) => giver !== peerUrl(hostId));
}

function kindOf(kind: FailureKind, { hostId, proven, mixed, unproven }: PeerAttempt): FailureKind {
  if (hostId === undefined) return kind;
  if (kind === 'PeerWrong' || kind === 'ChecksumMismatch')
    return mixed || unproven ? 'PeerUnreachable' : 'PeerWrong';
  const { class: failureClass } = failures[kind];
  if (failureClass === 'host' || failureClass === 'space') return kind;
  if (failureClass === 'content' && proven) return kind;
  return 'PeerUnreachable';
}

export function failureOfAttempt(failure: ImageError, attempt: PeerAttempt): ImageError {
  const kind = kindOf(failure.kind, attempt);
  if (kind === failure.kind) return failure;
  return new ImageError(kind, failure.message, { url: peerUrl(attempt.hostId ?? ''), cause: failure });
}

export function tryOfAttempt(ended: Try, attempt: PeerAttempt): Try {
  if (ended.failure === undefined) return ended;
  const kind = kindOf(ended.failure.kind, attempt);
  if (kind === ended.failure.kind) return ended;
  return { ...ended, failure: { kind, message: ended.failure.message, url: peerUrl(attempt.hostId ?? '') } };
}
