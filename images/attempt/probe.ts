/**
 * The probe: what a host finds at a URL before anything is downloaded; for a metalink, at each of its mirrors.
 *
 * The first request (`look`) reads the head of the file and its metadata, unpacks the head of a packed file, and
 * reads the footer of a raw disk. A metalink, recognised by its name or its content type, is read as a document; then
 * its mirrors are probed, `MAX_CONCURRENT` at a time, where a slow mirror makes way for the next one (`inTurn`).
 * `Patience` decides how long to wait for each. Each finding becomes a verdict (`judge`, `unreachable`), reported at
 * once to `onVerdict`, and all verdicts together are the report, in the order of the mirrors.
 *
 * Must never happen: a throw for anything but the caller's abort, since what is wrong with a URL belongs into its
 * verdict; credentials or queries of a URL in a verdict (`displayUrl`).
 */
import { createHash } from 'node:crypto';
import pLimit from 'p-limit';
import { ImageError } from '../../model/failures.ts';
import type { ProbeReport } from '../../model/payloads.ts';
import type { Protocols } from '../../model/protocols.ts';
import type { Secrets, UrlReport } from '../../model/source.ts';
import type { TemplateFormat } from '../../model/states.ts';
import { displayUrl, isMetalinkUrl } from '../../model/url.ts';
import { Patience } from './patience.ts';
import type { PatienceOptions } from './patience.ts';
import type { UnpackSettings } from '../unpack/limits.ts';
import { judgeInside, lookInside } from '../unpack/probe-inside.ts';
import type { Inside, ProbedFile } from '../unpack/probe-inside.ts';
import { footerAt, parseFooter } from '../inspect/footer.ts';
import type { Footer } from '../inspect/footer.ts';
import { matchFormats, sniffFormat } from '../inspect/format.ts';
import { inspectHead } from '../inspect/inspect.ts';
import { limitsFor } from '../inspect/limits.ts';
import type { InspectionLimits } from '../inspect/limits.ts';
import { evidenceOf } from '../image-refused.ts';
import type { Sources } from '../fetch/sources.ts';
import { readStart, readToEnd } from '../fetch/read-range.ts';
import { METALINK_LIMIT, parseMetalink } from '../fetch/protocols/metalink/metalink.ts';
import type { Metalink, MetalinkMirror } from '../fetch/protocols/metalink/metalink.ts';
import type { SourceHead, SourceRequest } from '../fetch/protocol.ts';

/** Mirrors that are probed at the same time. */
const MAX_CONCURRENT = 8;
/** Milliseconds for one mirror, or for the metalink document. */
const EACH_MS = 4000;
const METALINK_TYPE = /^application\/metalink4?\+xml\b/i;

export interface ProbeRequest extends PatienceOptions {
  readonly url: string;
  readonly format: TemplateFormat;
  /** The registered checksum; a checksum of the metalink does not count. */
  readonly checksum?: string | undefined;
  readonly secrets?: Secrets | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called with each verdict as soon as it is known; the report has all of them. */
  readonly onVerdict?: ((verdict: UrlReport) => void) | undefined;
}

export interface ProbeDeps {
  readonly sources: Sources;
  readonly limits?: InspectionLimits;
  readonly unpack?: UnpackSettings;
}

export type Probed = Omit<ProbeReport, 'v' | 'hostId'>;

/** Which mirror a verdict is about. */
type Target = Pick<UrlReport, 'url' | 'priority' | 'location'>;

/** @throws the signal's reason when aborted, and nothing else: a failing URL is reported by its verdict */
export async function probe(request: ProbeRequest, deps: ProbeDeps): Promise<Probed> {
  const patience = new Patience(request);
  const target = { url: displayUrl(request.url), priority: 1 };
  if (isMetalinkUrl(request.url)) return probeMetalink(request, deps, patience);
  const found = await within(request, patience, request.budgetMs, (signal) => look(request, deps, signal));
  if (found instanceof ImageError) return { urls: [unreachable(target, found)] };
  if (METALINK_TYPE.test(found.contentType ?? '')) return probeMetalink(request, deps, patience);
  return { urls: [judge(target, found, request, deps)] };
}

async function probeMetalink(request: ProbeRequest, deps: ProbeDeps, patience: Patience): Promise<Probed> {
  const document = await within(request, patience, EACH_MS, (signal) => fetchDocument(request, deps, signal));
  const metalink =
    document instanceof ImageError ? document : readMetalink(document.bytes, deps.sources.protocols);
  if (document instanceof ImageError || metalink instanceof ImageError) {
    const failure = metalink instanceof ImageError ? metalink : (document as ImageError);
    return { urls: [unreachable({ url: displayUrl(request.url), priority: 1 }, failure)] };
  }
  const skipped = metalink.skipped.map(({ reason, rule, ...target }) => ({
    ...unreachable(target, reason),
    ...(rule === undefined ? {} : { rule }),
  }));
  for (const verdict of skipped) request.onVerdict?.(verdict);
  const probed = await inTurn(metalink.mirrors, (mirror, onSlow) =>
    probeMirror(mirror, { request, deps, patience, onSlow }),
  );
  return {
    urls: [...probed, ...skipped],
    metalink: {
      digest: createHash('sha256').update(document.bytes).digest('hex'),
      size: metalink.size,
      ...(metalink.checksum === undefined ? {} : { checksum: metalink.checksum }),
    },
  };
}

function readMetalink(document: Buffer, protocols: Protocols): Metalink | ImageError {
  try {
    const metalink = parseMetalink(document, protocols);
    if (metalink.mirrors.length + metalink.skipped.length > 0) return metalink;
    return new ImageError('MetalinkInvalid', 'the metalink names no URL');
  } catch (error) {
    return protocolError(error);
  }
}

interface MirrorProbe {
  readonly request: ProbeRequest;
  readonly deps: ProbeDeps;
  readonly patience: Patience;
  readonly onSlow: () => void;
}

async function probeMirror(
  mirror: MetalinkMirror,
  { request, deps, patience, onSlow }: MirrorProbe,
): Promise<UrlReport> {
  const one = { ...request, url: mirror.url };
  const found = await within(request, patience, EACH_MS, (signal) => look(one, deps, signal), onSlow);
  const verdict =
    found instanceof ImageError ? unreachable(mirror, found) : judge(mirror, found, request, deps);
  if (verdict.reachable) patience.good();
  request.onVerdict?.(verdict);
  return verdict;
}

/** What was found at a URL. */
interface Finding extends SourceHead {
  /** Content of a packed file, or the reason why it cannot be unpacked; undefined when the file is not packed. */
  readonly inside: Inside | ImageError | undefined;
  /** Footer of a raw disk, if it has one and could be read. */
  readonly footer: Footer | undefined;
}

async function look(
  { url, secrets, format }: ProbeRequest,
  { sources, unpack = {} }: ProbeDeps,
  signal: AbortSignal,
): Promise<Finding> {
  const source = sources.for(url);
  const found = await source.probe({ url, secrets, signal });
  const request = { url, source, secrets, signal };
  const { head, total } = found;
  const file: ProbedFile = {
    head,
    total,
    readStart: (length) => readStart(request, length),
    readEnd: async (first) =>
      head.length === total ? head.subarray(first) : readToEnd(found, request, first),
  };
  try {
    const inside = await lookInside(file, { settings: unpack, signal });
    const footer = format === 'RAW' ? await findFooter(file) : undefined;
    return { ...found, inside, footer };
  } catch (error) {
    signal.throwIfAborted();
    return { ...found, inside: protocolError(error), footer: undefined };
  }
}

/** The footer of a file that begins like a raw disk. Without ranges it is read only when the head is the whole file. */
async function findFooter(file: ProbedFile): Promise<Footer | undefined> {
  if (matchFormats(file.head)[0]?.family !== 'plain') return undefined;
  const tail = await file.readEnd(footerAt(file.total));
  return tail && parseFooter(tail, file.total);
}

async function fetchDocument(
  { url, secrets }: ProbeRequest,
  { sources }: ProbeDeps,
  signal: AbortSignal,
): Promise<{ readonly bytes: Buffer }> {
  return { bytes: await fetchMetalink({ url, secrets, signal }, sources) };
}

/** @throws ImageError when the document cannot be read, or is too long */
export async function fetchMetalink(request: SourceRequest, sources: Sources): Promise<Buffer> {
  const source = await sources.for(request.url).open(request);
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const batch of source.body) {
      chunks.push(...batch);
      bytes += batch.reduce((sum, chunk) => sum + chunk.length, 0);
      if (bytes > METALINK_LIMIT) {
        throw new ImageError('MetalinkInvalid', `the metalink is longer than ${METALINK_LIMIT} bytes`);
      }
    }
  } finally {
    source.close();
  }
  return Buffer.concat(chunks);
}

/** Runs work within the patience. @returns its failure as a value @throws the signal's reason when aborted */
async function within<T>(
  { signal }: ProbeRequest,
  patience: Patience,
  eachMs: number,
  work: (signal: AbortSignal) => Promise<T>,
  onSlow?: () => void,
): Promise<T | ImageError> {
  signal?.throwIfAborted();
  const either = (late: AbortSignal): AbortSignal =>
    signal === undefined ? late : AbortSignal.any([signal, late]);
  const found = await patience.within(eachMs, (late) => work(either(late)), onSlow);
  signal?.throwIfAborted();
  return found;
}

const protocolError = (error: unknown): ImageError =>
  error instanceof ImageError ? error : new ImageError('ProtocolError', (error as Error).message);

/**
 * Runs work for all items, some at a time. Work that calls `onSlow` makes way for the next item, and is awaited at the end.
 * @returns the results in the order of the items
 */
async function inTurn<T, R>(
  items: readonly T[],
  work: (item: T, onSlow: () => void) => Promise<R>,
): Promise<readonly R[]> {
  const results: Promise<R>[] = [];
  const limit = pLimit(MAX_CONCURRENT);
  try {
    await limit.map(
      items,
      (item, index) =>
        new Promise<void>((resolve, reject) => {
          const result = work(item, resolve);
          results[index] = result;
          result.then(() => resolve(), reject);
        }),
    );
  } finally {
    limit.clearQueue();
  }
  return Promise.all(results);
}

function judge(target: Target, found: Finding, request: ProbeRequest, deps: ProbeDeps): UrlReport {
  const seen = {
    ...shown(target),
    size: found.total,
    ranges: found.ranges,
    format: sniffFormat(found.head),
    ...(found.etag === undefined ? {} : { etag: found.etag }),
    ...(found.lastModified === undefined ? {} : { lastModified: found.lastModified }),
  };
  const limits = limitsFor(request.checksum, deps.limits);
  try {
    if (found.inside instanceof ImageError) throw found.inside;
    if (found.inside !== undefined) {
      const facts = judgeInside(found.inside, request.format, limits);
      requireSize(found);
      return { ...seen, reachable: true, ...facts };
    }
    // A file that is no image is reported as such, whether its size is known or not.
    const size = found.total || (found.head.length > 0 ? Number.MAX_SAFE_INTEGER : 0);
    const { format: _format, ...facts } = inspectHead(found.head, size, request.format, limits, found.footer);
    requireSize(found);
    return { ...seen, reachable: true, ...facts };
  } catch (error) {
    const evidence = evidenceOf(error);
    return {
      ...seen,
      reachable: false,
      reason: protocolError(error).message,
      virtualSize: 0,
      ...(evidence === undefined ? {} : { evidence }),
    };
  }
}

function requireSize({ total, head }: Finding): void {
  if (total === 0 && head.length > 0) throw new ImageError('ProtocolError', 'gives no size');
}

const unreachable = (target: Target, reason: ImageError | string): UrlReport => ({
  ...shown(target),
  reachable: false,
  reason: typeof reason === 'string' ? reason : reason.message,
  ...(typeof reason === 'string' || reason.rule === undefined ? {} : { rule: reason.rule }),
  size: 0,
  ranges: false,
  virtualSize: 0,
});

/** The target with a URL that may be shown. */
const shown = ({ url, priority, location }: Target): Target => ({
  url: displayUrl(url),
  priority,
  ...(location === undefined ? {} : { location }),
});
