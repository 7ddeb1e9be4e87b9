/** Describes an attempt to the fetching side, which knows neither pools nor images. */
import type { Try } from '../../model/payloads.ts';
import type { PieceHashes } from '../fetch/piece-hashes.ts';
import type { FetchTask } from '../fetch/task.ts';
import type { PieceHasher } from '../hashing/piece-hasher.ts';
import { HEAD_LENGTH } from '../inspect/format.ts';
import { inspectHead } from '../inspect/inspect.ts';
import type { Part } from '../pools/pool.ts';
import { compressionOf } from '../unpack/compression.ts';
import type { DownloadDeps, DownloadRequest } from './download-request.ts';
import type { ProgressMeter } from './progress-meter.ts';
import type { Way } from './way.ts';

export interface FetchContext {
  readonly way: Way;
  readonly part: Part;
  readonly pieces: PieceHashes | undefined;
  readonly hasher: PieceHasher | undefined;
  readonly meter: ProgressMeter;
  readonly remarks: readonly string[];
  readonly onTry: (ended: Try) => void;
}

export function fetchTask(
  request: DownloadRequest,
  deps: DownloadDeps,
  { way, part, pieces, hasher, meter, remarks, onTry }: FetchContext,
): FetchTask {
  const { signal } = request;
  const { rateLimit } = deps;
  const { sources, mirrors, secrets, connections, size, checksum } = way;
  return {
    sink: part,
    sources,
    mirrors,
    size,
    verifiable: checksum !== undefined,
    pieces: pieces && hasher && { hashes: pieces, hash: (span) => hasher.hash(span) },
    secrets,
    rateLimit,
    connections,
    signal,
    head: { length: HEAD_LENGTH, check: (head, total) => checkHead(head, total, request, deps) },
    progress: meter,
    onTry,
    remarks,
  };
}

/** Refuses a login page or a foreign format at its first bytes. Packed files are inspected after unpacking. */
function checkHead(head: Buffer, total: number, { format }: DownloadRequest, { limits }: DownloadDeps): void {
  if (compressionOf(head) !== undefined) return;
  inspectHead(head, total || Number.MAX_SAFE_INTEGER, format, limits);
}
