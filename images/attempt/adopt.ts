/** The first stage: opens the part of this attempt, with usable bytes of earlier attempts in it. */
import { isPeerUrl, lineageOfImage } from '../../model/spread.ts';
import type { PeerSource } from '../../model/spread.ts';
import { displayUrl } from '../../model/url.ts';
import type { Provenance } from '../fetch/sink.ts';
import type { DamagedFile, Part } from '../pools/pool.ts';
import type { DownloadDeps, DownloadRequest } from './download-request.ts';
import { mirrorsOf } from './mirrors.ts';
import type { ProgressMeter } from './progress-meter.ts';

export interface Admission {
  /** Whether bytes are good only after their piece was checked. */
  readonly admission: boolean;
  /** The published file, if it is to be replaced. */
  readonly damaged: DamagedFile | undefined;
}

export function adopt(
  request: DownloadRequest,
  deps: DownloadDeps,
  meter: ProgressMeter,
  { admission, damaged }: Admission,
): Promise<Part> {
  const { pool, copyId, attemptId, signal } = request;
  meter.phase('reusing');
  const isHealing = damaged?.provenance !== undefined;
  return pool.openPart(
    {
      copyId,
      attemptId,
      admission,
      signal,
      usable: (recorded, bytes) =>
        isHealing ? isOfSize(recorded, bytes, request) : canContinue(recorded, bytes, request),
      onReused: (count) => meter.addReused(count),
      ...(damaged === undefined ? {} : { damaged }),
    },
    deps,
  );
}

const canContinue = (recorded: Provenance, bytes: number, request: DownloadRequest): boolean =>
  request.peer === undefined
    ? canContinueAtOrigin(recorded, bytes, request)
    : canContinueAtPeer(recorded, bytes, request, request.peer);

/** Of an image that is healed every piece is checked, wherever it came from. */
const isOfSize = ({ total }: Provenance, bytes: number, { size }: DownloadRequest): boolean =>
  bytes > 0 && bytes <= total && total === size;

const isOfMirrors = ({ url }: Provenance, request: DownloadRequest): boolean =>
  mirrorsOf(request).some((mirror) => displayUrl(mirror.url) === displayUrl(url));

/**
 * With a checksum, bytes of any lineage may go on. Without one, the answer of the other host tells whether its lineage is
 * that of the bytes. What was unpacked goes on from the same unpacked image alone.
 */
function canContinueAtPeer(
  recorded: Provenance,
  bytes: number,
  request: DownloadRequest,
  { unpacked, sha256 }: PeerSource,
): boolean {
  const { lineage, total, url } = recorded;
  if (bytes <= 0 || bytes > total) return false;
  if (unpacked === true) return sha256 !== undefined && lineage === lineageOfImage(sha256);
  if (request.size > 0 && total !== request.size) return false;
  if (lineage === undefined && request.checksum === undefined) return false;
  return isPeerUrl(url) || isOfMirrors(recorded, request);
}

/**
 * A complete part can always be used: it is verified as a whole. An incomplete part of one origin can be continued
 * only with a strong ETag of that origin, and one of several origins only with a checksum, which proves that all are
 * of one file. What other hosts gave can be used where something will prove it.
 */
function canContinueAtOrigin(recorded: Provenance, bytes: number, request: DownloadRequest): boolean {
  const { total, etag, others = [], lineage, givers } = recorded;
  const { size, checksum, mirrors, lineages = [] } = request;
  const isKnown = lineages.some((known) => known.lineage === lineage);
  if (givers !== undefined && checksum === undefined && !isKnown) return false;
  if (!isOfMirrors(recorded, request)) return false;
  if (bytes <= 0 || bytes > total || (size > 0 && total !== size)) return false;
  if (bytes === total || (etag !== undefined && others.length === 0)) return true;
  return checksum !== undefined && (etag !== undefined || mirrors.length > 1);
}
