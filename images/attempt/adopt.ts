/** The first stage: opens the part of this attempt, with usable bytes of earlier attempts in it. */
import { displayUrl } from '../../model/url.ts';
import type { Provenance } from '../fetch/sink.ts';
import type { Part } from '../pools/pool.ts';
import type { DownloadDeps, DownloadRequest } from './download-request.ts';
import { mirrorsOf } from './mirrors.ts';
import type { ProgressMeter } from './progress-meter.ts';

/** @param admission whether bytes are good only after their piece was checked */
export function adopt(
  request: DownloadRequest,
  deps: DownloadDeps,
  meter: ProgressMeter,
  admission: boolean,
): Promise<Part> {
  const { pool, copyId, attemptId, signal } = request;
  const urls = new Set(mirrorsOf(request).map(({ url }) => displayUrl(url)));
  meter.phase('reusing');
  return pool.openPart(
    {
      copyId,
      attemptId,
      admission,
      signal,
      usable: (recorded, bytes) =>
        urls.has(displayUrl(recorded.url)) && canContinue(recorded, bytes, request),
      onReused: (count) => meter.addReused(count),
    },
    deps,
  );
}

/**
 * A complete part can always be used: it is verified as a whole. An incomplete part of one origin can be continued
 * only with a strong ETag of that origin, and one of several origins only with a checksum, which proves that all are
 * of one file.
 */
function canContinue(
  { total, etag, others = [] }: Provenance,
  bytes: number,
  { size, checksum, mirrors }: DownloadRequest,
): boolean {
  if (bytes <= 0 || bytes > total || (size > 0 && total !== size)) return false;
  if (bytes === total || (etag !== undefined && others.length === 0)) return true;
  return checksum !== undefined && (etag !== undefined || mirrors.length > 1);
}
