/** The pieces of a file that was registered by a metalink. They are not stored with it: the host reads them itself. */
import { parseChecksum } from '../model/checksum.ts';
import { ImageError } from '../model/failures.ts';
import { isMetalinkUrl } from '../model/url.ts';
import type { DownloadDeps, DownloadRequest } from './download-request.ts';
import { fetchMetalink } from './probe.ts';
import { parseMetalink } from './sources/metalink.ts';
import type { Metalink } from './sources/metalink.ts';
import type { MetalinkPieces } from './sources/metalink-pieces.ts';

/** Milliseconds for the document: the mirrors are known, and the download can do without it. */
const PATIENCE = 10_000;

/** A URL that is a metalink by its name, or that is none of those that bytes come from. */
export const isMetalink = ({ url, mirrors }: DownloadRequest): boolean =>
  mirrors.length > 0 && (isMetalinkUrl(url) || !mirrors.some((mirror) => mirror.url === url));

/**
 * @param remark told why there are none although the document gives some, or cannot be had
 * @throws the signal's reason when aborted, and nothing else
 */
export async function refetchPieces(
  request: DownloadRequest,
  deps: DownloadDeps,
  remark: (sentence: string) => void,
): Promise<MetalinkPieces | undefined> {
  if (!isMetalink(request)) return undefined;
  const { url, secrets, signal } = request;
  try {
    const late = AbortSignal.timeout(PATIENCE);
    const bytes = await fetchMetalink(
      { url, secrets, signal: AbortSignal.any([signal, late]) },
      deps.sources,
    );
    const metalink = parseMetalink(bytes);
    if (metalink.pieces === undefined) return undefined;
    const reason = contradiction(metalink, request);
    if (reason === undefined) return metalink.pieces;
    remark(`the pieces of the metalink are not used: ${reason}`);
  } catch (error) {
    signal.throwIfAborted();
    const reason = error instanceof ImageError ? error.message : `no answer in ${PATIENCE / 1000} s`;
    remark(`the metalink could not be read again, so that its pieces are not used: ${reason}`);
  }
  return undefined;
}

/** Only the pieces of the very file that was registered are of use. */
function contradiction(
  { size, hashes }: Metalink,
  { size: wanted, checksum }: DownloadRequest,
): string | undefined {
  if (size !== wanted) return `it gives ${size} bytes now; ${wanted} were registered`;
  if (checksum === undefined) return 'no checksum of the file was registered';
  const { algorithm, hex } = parseChecksum(checksum);
  const given = hashes.find((hash) => hash.algorithm === algorithm);
  if (given === undefined) return `it gives no ${algorithm} of the file, as was registered`;
  return given.hex === hex ? undefined : `it gives another ${algorithm} of the file than was registered`;
}
