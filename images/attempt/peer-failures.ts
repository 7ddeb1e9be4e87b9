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

export interface PeerAttempt {
  /** Undefined when the attempt fetches from the origin. */
  readonly hostId: string | undefined;
  /** Whether the bytes were right by their checksum or SHA-256. */
  proven: boolean;
}

function kindOf(kind: FailureKind, { hostId, proven }: PeerAttempt): FailureKind {
  if (hostId === undefined || kind === 'PeerWrong') return kind;
  const { class: failureClass } = failures[kind];
  if (failureClass === 'host' || failureClass === 'space') return kind;
  if (failureClass === 'content' && proven) return kind;
  return kind === 'ChecksumMismatch' ? 'PeerWrong' : 'PeerUnreachable';
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
