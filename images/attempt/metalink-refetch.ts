/**
 * Reads the metalink of a registered file again, for what the database does not store: hashes of pieces, and queries
 * of URLs, which may hold tokens.
 */
import { parseChecksum } from '../../model/checksum.ts';
import { ImageError } from '../../model/failures.ts';
import { counted } from '../../model/grammar.ts';
import type { Mirror } from '../../model/source.ts';
import { displayUrl, isMetalinkUrl, isShownUrl } from '../../model/url.ts';
import type { DownloadDeps, DownloadRequest } from './download-request.ts';
import { fetchMetalink } from './probe.ts';
import { parseMetalink } from '../fetch/protocols/metalink/metalink.ts';
import type { Metalink } from '../fetch/protocols/metalink/metalink.ts';
import type { PieceHashes } from '../fetch/piece-hashes.ts';

/** Milliseconds for reading the document. The wait is short, since most downloads can do without it. */
const TIMEOUT_MS = 10_000;

/** Whether the URL is a metalink: by its name, or because it is none of its own mirrors. */
const isMetalink = ({ url, mirrors }: DownloadRequest): boolean =>
  mirrors.length > 0 && (isMetalinkUrl(url) || !mirrors.some((mirror) => mirror.url === url));

export interface Refetched {
  /** Mirrors with complete URLs; mirrors whose query could not be read again are omitted. */
  readonly mirrors: readonly Mirror[];
  readonly pieces?: PieceHashes;
}

/**
 * @param remark called with the reason when the document cannot be read, or its pieces cannot be used
 * @throws the signal's reason when aborted, and nothing else
 */
export async function refetchMetalink(
  request: DownloadRequest,
  deps: DownloadDeps,
  remark: (sentence: string) => void,
): Promise<Refetched> {
  const { mirrors } = request;
  if (!isMetalink(request)) return { mirrors };
  const metalink = await readAgain(request, deps, remark);
  metalink?.remarks.forEach(remark);
  const whole = new Map((metalink?.mirrors ?? []).toReversed().map(({ url }) => [displayUrl(url), url]));
  const known = mirrors
    .map((mirror) => ({ ...mirror, url: whole.get(mirror.url) ?? mirror.url }))
    .filter(({ url }) => !isShownUrl(new URL(url)));
  const reason = metalink?.pieces && contradiction(metalink, request);
  if (reason !== undefined) remark(`the pieces of the metalink are not used: ${reason}`);
  const pieces = reason === undefined ? metalink?.pieces : undefined;
  return { mirrors: known, ...(pieces === undefined ? {} : { pieces }) };
}

async function readAgain(
  request: DownloadRequest,
  deps: DownloadDeps,
  remark: (sentence: string) => void,
): Promise<Metalink | undefined> {
  const { url, secrets, signal } = request;
  try {
    const late = AbortSignal.timeout(TIMEOUT_MS);
    const bytes = await fetchMetalink(
      { url, secrets, signal: AbortSignal.any([signal, late]) },
      deps.sources,
    );
    return parseMetalink(bytes, deps.sources.protocols);
  } catch (error) {
    signal.throwIfAborted();
    const reason = error instanceof ImageError ? error.message : `no answer in ${TIMEOUT_MS / 1000} s`;
    remark(`the metalink could not be read again, so that its pieces are not used: ${reason}`);
    return undefined;
  }
}

/** Why the pieces are not those of the registered file; undefined when they are. */
function contradiction(
  { size, hashes }: Metalink,
  { size: wanted, checksum }: DownloadRequest,
): string | undefined {
  if (size !== wanted) return `it gives ${counted(size, 'byte')} now; ${wanted} were registered`;
  if (checksum === undefined) return 'no checksum of the file was registered';
  const { algorithm, hex } = parseChecksum(checksum);
  const given = hashes.find((hash) => hash.algorithm === algorithm);
  if (given === undefined) return `it gives no ${algorithm} of the file, as was registered`;
  return given.hex === hex ? undefined : `it gives another ${algorithm} of the file than was registered`;
}
