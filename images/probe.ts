/** What a host finds at a URL before anything is downloaded from it; for a metalink, at each of its mirrors. */
import { createHash } from 'node:crypto';
import { ImageError } from '../model/failures.ts';
import type { ProbeReport } from '../model/payloads.ts';
import type { Secrets, UrlReport } from '../model/source.ts';
import type { TemplateFormat } from '../model/states.ts';
import { displayUrl, isMetalinkUrl } from '../model/url.ts';
import type { UnpackSettings } from './decompression/limits.ts';
import { judgeInside, lookInside } from './decompression/probe-inside.ts';
import type { Inside } from './decompression/probe-inside.ts';
import { sniffFormat } from './inspection/format.ts';
import { inspectHead } from './inspection/inspect.ts';
import { evidenceOf } from './inspection/refusal.ts';
import type { Qcow2Limits } from './inspection/qcow2.ts';
import type { Sources } from './sources/index.ts';
import { METALINK_LIMIT, parseMetalink } from './sources/metalink.ts';
import type { Metalink, MetalinkMirror } from './sources/metalink.ts';
import type { SourceHead, SourceRequest } from './sources/source.ts';

/** Mirrors probed at the same time. */
const AT_ONCE = 8;
/** Milliseconds for one mirror, or for the metalink document. */
const EACH_MS = 4000;
/** With less than this, asking is of no use. */
const LEAST_MS = 50;
const METALINK_TYPE = /^application\/metalink4?\+xml\b/i;

export interface ProbeRequest {
  readonly url: string;
  readonly format: TemplateFormat;
  readonly secrets?: Secrets | undefined;
  /** Milliseconds for all of it. */
  readonly budgetMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Told each verdict as it is known; the report has all of them. */
  readonly onVerdict?: ((verdict: UrlReport) => void) | undefined;
}

export interface ProbeDeps {
  readonly sources: Sources;
  readonly limits?: Qcow2Limits;
  readonly unpack?: UnpackSettings;
}

export type Probed = Omit<ProbeReport, 'v' | 'hostId'>;

type Where = Pick<UrlReport, 'url' | 'priority' | 'location'>;

/** Never throws but the signal's reason: what is wrong with a URL is in its report. */
export async function probe(request: ProbeRequest, deps: ProbeDeps): Promise<Probed> {
  const until = performance.now() + request.budgetMs;
  const where = { url: displayUrl(request.url), priority: 1 };
  if (isMetalinkUrl(request.url)) return probeMetalink(request, deps, until);
  const found = await within(request, until, request.budgetMs, (signal) => look(request, deps, signal));
  if (found instanceof ImageError) return { urls: [unreachable(where, found)] };
  if (METALINK_TYPE.test(found.contentType ?? '')) return probeMetalink(request, deps, until);
  return { urls: [judge(where, found, request, deps)] };
}

async function probeMetalink(request: ProbeRequest, deps: ProbeDeps, until: number): Promise<Probed> {
  const document = await within(request, until, EACH_MS, (signal) => fetchDocument(request, deps, signal));
  const metalink = document instanceof ImageError ? document : readMetalink(document.bytes);
  if (document instanceof ImageError || metalink instanceof ImageError) {
    const failure = metalink instanceof ImageError ? metalink : (document as ImageError);
    return { urls: [unreachable({ url: displayUrl(request.url), priority: 1 }, failure)] };
  }
  const skipped = metalink.skipped.map(({ reason, rule, ...where }) => ({
    ...unreachable(where, reason),
    ...(rule === undefined ? {} : { rule }),
  }));
  for (const verdict of skipped) request.onVerdict?.(verdict);
  const probed = await inTurn(metalink.mirrors, (mirror) => probeMirror(mirror, request, deps, until));
  return {
    urls: [...probed, ...skipped],
    metalink: {
      digest: createHash('sha256').update(document.bytes).digest('hex'),
      size: metalink.size,
      ...(metalink.checksum === undefined ? {} : { checksum: metalink.checksum }),
    },
  };
}

function readMetalink(document: Buffer): Metalink | ImageError {
  try {
    const metalink = parseMetalink(document);
    if (metalink.mirrors.length + metalink.skipped.length > 0) return metalink;
    return new ImageError('MetalinkInvalid', 'the metalink names no URL');
  } catch (error) {
    return asImageError(error);
  }
}

async function probeMirror(
  mirror: MetalinkMirror,
  request: ProbeRequest,
  deps: ProbeDeps,
  until: number,
): Promise<UrlReport> {
  const one = { ...request, url: mirror.url };
  const found = await within(request, until, EACH_MS, (signal) => look(one, deps, signal));
  const verdict =
    found instanceof ImageError ? unreachable(mirror, found) : judge(mirror, found, request, deps);
  request.onVerdict?.(verdict);
  return verdict;
}

interface Looked extends SourceHead {
  /** Of a packed file, what is in it, or why that cannot be told. */
  readonly inside: Inside | ImageError | undefined;
}

async function look(
  { url, secrets }: ProbeRequest,
  { sources, unpack = {} }: ProbeDeps,
  signal: AbortSignal,
): Promise<Looked> {
  const source = sources.for(url);
  const found = await source.probe({ url, secrets, signal });
  try {
    const inside = await lookInside(found, { url, source, secrets, signal, settings: unpack });
    return { ...found, inside };
  } catch (error) {
    signal.throwIfAborted();
    return { ...found, inside: asImageError(error) };
  }
}

async function fetchDocument(
  { url, secrets }: ProbeRequest,
  { sources }: ProbeDeps,
  signal: AbortSignal,
): Promise<{ readonly bytes: Buffer }> {
  return { bytes: await fetchMetalink({ url, secrets, signal }, sources) };
}

/** @throws ImageError when the document cannot be had or is too long */
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

/** Runs with a deadline of its own and that of the whole; failures come back as values. */
async function within<T>(
  { signal }: ProbeRequest,
  until: number,
  eachMs: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T | ImageError> {
  signal?.throwIfAborted();
  const budget = Math.min(eachMs, until - performance.now());
  if (budget < LEAST_MS) return new ImageError('Stalled', 'was not asked: others took all the time');
  const late = new AbortController();
  const timer = setTimeout(
    () => late.abort(new ImageError('Stalled', `did not answer within ${seconds(budget)} s`)),
    budget,
  );
  try {
    return await work(signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]));
  } catch (error) {
    signal?.throwIfAborted();
    return asImageError(error);
  } finally {
    clearTimeout(timer);
  }
}

const seconds = (ms: number): number => Math.max(0.1, Math.round(ms / 100) / 10);

const asImageError = (error: unknown): ImageError =>
  error instanceof ImageError ? error : new ImageError('ProtocolError', (error as Error).message);

async function inTurn<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<readonly R[]> {
  const results: R[] = [];
  const queue = [...items.entries()];
  const lane = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift())
      results[next[0]] = await work(next[1]);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return results;
}

function judge(where: Where, found: Looked, request: ProbeRequest, deps: ProbeDeps): UrlReport {
  const seen = {
    ...place(where),
    size: found.total,
    ranges: found.ranges,
    format: sniffFormat(found.head),
    ...(found.etag === undefined ? {} : { etag: found.etag }),
    ...(found.lastModified === undefined ? {} : { lastModified: found.lastModified }),
  };
  try {
    if (found.total === 0 && found.head.length > 0) throw new ImageError('ProtocolError', 'gives no size');
    if (found.inside instanceof ImageError) throw found.inside;
    if (found.inside !== undefined) {
      return { ...seen, reachable: true, ...judgeInside(found.inside, request.format, deps.limits) };
    }
    const { format: _format, ...facts } = inspectHead(found.head, found.total, request.format, deps.limits);
    return { ...seen, reachable: true, ...facts };
  } catch (error) {
    const evidence = evidenceOf(error);
    return {
      ...seen,
      reachable: false,
      reason: asImageError(error).message,
      virtualSize: 0,
      ...(evidence === undefined ? {} : { evidence }),
    };
  }
}

const unreachable = (where: Where, reason: ImageError | string): UrlReport => ({
  ...place(where),
  reachable: false,
  reason: typeof reason === 'string' ? reason : reason.message,
  ...(typeof reason === 'string' || reason.rule === undefined ? {} : { rule: reason.rule }),
  size: 0,
  ranges: false,
  virtualSize: 0,
});

const place = ({ url, priority, location }: Where): Where => ({
  url: displayUrl(url),
  priority,
  ...(location === undefined ? {} : { location }),
});
