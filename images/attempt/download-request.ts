/**
 * The input, dependencies and result of a download. What it is asked for are fields of the job that the host got, and what
 * it gives are fields of the answer to that job (model/payloads.ts): each is defined once, there.
 */
import type { DownloadJob, DownloadResult, HostAnswer, Try } from '../../model/payloads.ts';
import type { PeerSource } from '../../model/spread.ts';
import type { PeerCopy } from '../fetch/protocols/peer/peer.ts';
import type { Progress } from '../../model/progress.ts';
import type { Secrets } from '../../model/source.ts';
import type { UnpackSettings } from '../unpack/limits.ts';
import type { ImageLimits } from '../inspect/limits.ts';
import type { Pool, PoolWriter } from '../pools/pool.ts';
import type { RateLimit } from '../fetch/rate-limit.ts';
import type { Sources } from '../fetch/sources.ts';
import type { CopyRegistry } from '../spread/copy-registry.ts';

export interface DownloadRequest extends Pick<
  DownloadJob,
  | 'templateId'
  | 'copyId'
  | 'attemptId'
  | 'url'
  | 'mirrors'
  | 'format'
  | 'checksum'
  | 'size'
  | 'peer'
  | 'lineages'
  | 'healing'
> {
  readonly pool: Pool;
  readonly secrets?: Secrets | undefined;
  /** Aborts the download; its bytes stay for a later attempt. */
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
  /** Called with each try when it ends, also in an aborted attempt. */
  readonly onTry?: (ended: Try) => void;
}

export interface DownloadDeps extends PoolWriter {
  readonly sources: Sources;
  readonly rateLimit: RateLimit;
  /** Makes the copy of another host a source. Absent: this host takes from no others. */
  readonly peers?: (peer: PeerSource) => PeerCopy;
  /** Makes the copy readable for others while it arrives. Absent: nobody reads it. */
  readonly copies?: CopyRegistry;
  readonly limits?: ImageLimits;
  readonly unpack?: UnpackSettings;
  /** Maximum connections of one download to one origin. Default 16. */
  readonly connections?: number;
}

export type DownloadedImage = Omit<DownloadResult, keyof HostAnswer | 'pool'>;
