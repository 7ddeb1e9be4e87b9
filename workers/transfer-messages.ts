/** Messages between the host worker and its transfer thread: plain data only. */
import type { DownloadDeps, DownloadedImage, DownloadRequest } from '../images/attempt/download-request.ts';
import { evidenceOf, ImageRefused } from '../images/image-refused.ts';
import type { PoolConfig } from '../images/pools/pool.ts';
import type { Denied } from '../images/fetch/network/egress-policy.ts';
import type { SourceOptions } from '../images/fetch/sources.ts';
import type { ImageEvidence } from '../model/evidence.ts';
import { ImageError } from '../model/failures.ts';
import type { Failure } from '../model/failures.ts';
import type { Try } from '../model/payloads.ts';
import type { Progress } from '../model/progress.ts';
import type { SourceRules } from '../model/source-rules.ts';
import type { DoorCounts } from './door/counts.ts';
import type { DoorCredentials } from './door/door.ts';
import type { DoorSettings } from './door/settings.ts';

/** Settings of all downloads, passed to the thread as `workerData`. */
export interface TransferSettings extends Pick<
  DownloadDeps,
  'hostId' | 'publish' | 'limits' | 'unpack' | 'checkpointBytes' | 'connections'
> {
  readonly sources: Omit<SourceOptions, 'egress' | 'resolve' | 'onDenied' | 'trust'>;
  /** The host's state folder, which holds the ledger and the keystore. */
  readonly stateDir: string;
  /** Bytes per second over all downloads; 0 for no limit. */
  readonly rate: number;
  /** Absent where the host serves no copies to others. */
  readonly door?: DoorSettings & {
    /** The host's pools, whose copies are served. */
    readonly pools: readonly PoolConfig[];
  };
}

/** A download request without the parts that cannot be sent to a thread. */
export interface TransferRequest extends Omit<DownloadRequest, 'pool' | 'signal' | 'onProgress' | 'onTry'> {
  readonly pool: { readonly id: string; readonly config: PoolConfig };
  /** Rules of the job. */
  readonly rules: SourceRules;
}

export type ToThread =
  | { readonly type: 'start'; readonly job: number; readonly request: TransferRequest }
  | { readonly type: 'abort'; readonly job: number }
  | { readonly type: 'rate'; readonly bytesPerSecond: number }
  | { readonly type: 'credentials'; readonly credentials: DoorCredentials };

export type FromThread =
  | { readonly type: 'progress'; readonly job: number; readonly progress: Progress }
  | { readonly type: 'try'; readonly job: number; readonly ended: Try }
  | { readonly type: 'done'; readonly job: number; readonly image: DownloadedImage }
  | { readonly type: 'denied'; readonly denied: Denied }
  | { readonly type: 'door'; readonly counts: DoorCounts }
  /** The door cannot be opened now; it is tried again. */
  | { readonly type: 'door closed'; readonly problem: string }
  | { readonly type: 'failed'; readonly job: number; readonly error: PackedError };

export interface PackedError {
  readonly failure: Failure;
  /** Evidence about the refused file. */
  readonly evidence: ImageEvidence | undefined;
  /** Stack of the error and its causes, for the log. */
  readonly stack: string;
}

export function packRequest(request: DownloadRequest, rules: SourceRules): TransferRequest {
  const { pool, signal: _signal, onProgress: _onProgress, onTry: _onTry, ...plain } = request;
  return { ...plain, rules, pool: { id: pool.id, config: pool.config } };
}

export const packError = (error: ImageError): PackedError => ({
  failure: error.toFailure(),
  evidence: evidenceOf(error),
  stack: stackOf(error),
});

export function unpackError({ failure, evidence, stack }: PackedError): ImageError {
  const { kind, message, ...about } = failure;
  const plain = new ImageError(kind, message, about);
  const error = evidence === undefined ? plain : new ImageRefused(plain, evidence);
  error.stack = stack;
  return error;
}

function stackOf(error: Error): string {
  const own = error.stack ?? error.message;
  return error.cause instanceof Error ? `${own}\ncaused by: ${stackOf(error.cause)}` : own;
}
