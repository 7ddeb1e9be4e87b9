/** What a download is asked for, what it needs, and what it gives. */
import type { ImageEvidence } from '../model/evidence.ts';
import type { Try } from '../model/payloads.ts';
import type { Progress } from '../model/progress.ts';
import type { Mirror, Secrets } from '../model/source.ts';
import type { TemplateFormat } from '../model/states.ts';
import type { UnpackSettings } from './decompression/limits.ts';
import type { Qcow2Limits } from './inspection/qcow2.ts';
import type { Pool } from './pool.ts';
import type { PublishSettings } from './publish.ts';
import type { RateLimit } from './rate-limit.ts';
import type { Sources } from './sources/index.ts';

export interface DownloadRequest {
  readonly pool: Pool;
  /** UUID; the name of the published file. */
  readonly copyId: string;
  /** UUID, unique to this attempt. */
  readonly attemptId: string;
  readonly url: string;
  /** Where to fetch from; empty means from `url`. */
  readonly mirrors: readonly Mirror[];
  readonly format: TemplateFormat;
  /** `{ALG}hex` of the file as transferred. */
  readonly checksum?: string | undefined;
  /** Bytes of the file as registered; 0 when unknown. */
  readonly size: number;
  readonly secrets?: Secrets | undefined;
  /** Aborting keeps the bytes that are here. */
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
  /** Each try as it ends, also of an attempt that is aborted. */
  readonly onTry?: (ended: Try) => void;
}

export interface DownloadDeps {
  readonly sources: Sources;
  readonly hostId: string;
  /** Paths of part files that downloads of this process have open; one set for all of them. */
  readonly openParts: Set<string>;
  readonly rateLimit: RateLimit;
  readonly publish?: PublishSettings;
  readonly limits?: Qcow2Limits;
  readonly unpack?: UnpackSettings;
  /** Bytes that arrived and may be lost with the process: by then they are synced and recorded. Default 64 MiB. */
  readonly checkpointBytes?: number;
  /** Connections of one download to one origin, at most. Default 16. */
  readonly connections?: number;
}

export interface DownloadedImage {
  /** Bytes of the published file. */
  readonly size: number;
  /** Bytes that it takes on disk. */
  readonly physicalSize: number;
  readonly virtualSize: number;
  /** Bytes fetched from sources by this attempt; 0 when the file was there already. */
  readonly fetched: number;
  /** Of the published file. */
  readonly sha256: string;
  /** Bytes of the file as transferred, which may be packed; absent when the image was there already. */
  readonly transferred?: number;
  readonly evidence?: ImageEvidence;
  /** File name within the pool. */
  readonly installPath: string;
  /** Absolute path on this host. */
  readonly localPath: string;
  readonly tries: readonly Try[];
}
