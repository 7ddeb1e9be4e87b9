/** Files over http and https. */
import { ImageError } from '../../model/failures.ts';
import type { Secrets } from '../../model/source.ts';
import { displayUrl } from '../../model/url.ts';
import { exchange } from './exchange.ts';
import type { Exchange } from './exchange.ts';
import { statusError } from './http-errors.ts';
import { httpSettings } from './http-options.ts';
import type { HttpOptions, HttpSettings } from './http-options.ts';
import {
  parseContentRange,
  rangeHeaders,
  RangeRefused,
  requireRange,
  resumeHeaders,
  resumeOutcome,
  unaskedEncoding,
} from './range.ts';
import type { ResumeOutcome } from './range.ts';
import { PROBE_LENGTH } from './source.ts';
import { withoutEchoes } from './echoes.ts';
import type {
  OpenedSource,
  OpenRequest,
  Source,
  SourceFacts,
  SourceHead,
  SourceRequest,
  WantedRange,
} from './source.ts';

const REDIRECTS = new Set([301, 302, 303, 307, 308]);

export function createHttpSource(options: HttpOptions = {}): Source {
  const settings = httpSettings(options);
  return {
    probe: (request) => probe(request, settings),
    open: (request) =>
      request.range === undefined ? open(request, settings) : openRange(request, request.range, settings),
  };
}

/** By GET, not HEAD: presigned URLs are signed for one method, and the first bytes say what the file is. */
async function probe(request: SourceRequest, settings: HttpSettings): Promise<SourceHead> {
  const answer = await follow(request, { range: `bytes=0-${PROBE_LENGTH - 1}` }, settings);
  try {
    if (isEmptyFile(answer)) return { ...facts(answer), total: 0, head: Buffer.alloc(0) };
    requireStatus(answer, [200, 206], settings);
    if (answer.status === 206 && parseContentRange(answer.headers.get('content-range'))?.first !== 0) {
      throw failure(answer, 'sent other bytes than asked for');
    }
    return { ...facts(answer), head: await readHead(answer, PROBE_LENGTH) };
  } finally {
    answer.close();
  }
}

async function open(request: OpenRequest, settings: HttpSettings): Promise<OpenedSource> {
  const answer = await follow(request, resumeHeaders(request.resume), settings);
  try {
    requireStatus(answer, request.resume === undefined ? [200, 206] : [200, 206, 416], settings);
    const outcome = outcomeOf(request, answer);
    if (outcome.from === 'new request') {
      answer.close();
      request.onRestart?.(outcome.reason);
      return await open({ ...request, resume: undefined }, settings);
    }
    if (outcome.from === 'zero' && outcome.reason !== undefined) request.onRestart?.(outcome.reason);
    return opened(answer, outcome.from === 'offset' ? (request.resume?.offset ?? 0) : 0);
  } catch (error) {
    answer.close();
    throw error;
  }
}

async function openRange(
  request: OpenRequest,
  range: WantedRange,
  settings: HttpSettings,
): Promise<OpenedSource> {
  const answer = await follow(request, rangeHeaders(range), settings);
  try {
    requireStatus(answer, [200, 206, 416], settings);
    requireRange(range, answer);
    return { ...opened(answer, range.first), total: range.total };
  } catch (error) {
    answer.close();
    if (!(error instanceof RangeRefused)) throw error;
    throw new RangeRefused(error.message, { changed: error.changed, url: displayUrl(answer.url.href) });
  }
}

const opened = (answer: Exchange, offset: number): OpenedSource => ({
  ...facts(answer),
  offset,
  body: answer.body,
  arrived: () => answer.body.received,
  giveBack: (chunks) => answer.giveBack(chunks),
  close: () => answer.close(),
});

function outcomeOf(request: OpenRequest, answer: Exchange): ResumeOutcome {
  try {
    return resumeOutcome(request.resume, answer);
  } catch (error) {
    throw error instanceof ImageError ? failure(answer, error.message) : error;
  }
}

/** Sends the request and follows redirects, giving secrets only to the origin they were given for. */
async function follow(
  request: SourceRequest,
  headers: Readonly<Record<string, string>>,
  settings: HttpSettings,
): Promise<Exchange> {
  let url = httpUrl(request.url);
  for (let hop = 0; hop <= settings.maxRedirects; hop += 1) {
    const secret = secretHeaders(url, request.secrets);
    const sent = { ...fixedHeaders, ...secret, ...headers, ...encoding };
    const given = await exchange(url, sent, settings, request.signal);
    const answer = { ...given, headers: withoutEchoes(given.headers, secret) };
    if (!REDIRECTS.has(answer.status)) return refuseEncoded(answer);
    answer.close();
    const from = url;
    url = redirectTarget(answer);
    settings.guard.requireRedirect(from, url);
  }
  throw new ImageError('TooManyRedirects', `redirects more than ${settings.maxRedirects} times`, {
    url: displayUrl(request.url),
  });
}

const fixedHeaders = { accept: '*/*', 'user-agent': 'Bypass' };
const encoding = { 'accept-encoding': 'identity' };

/** User and password in the URL itself are not sent: they belong into the secrets. */
function httpUrl(text: string): URL {
  const url = new URL(text);
  url.username = '';
  url.password = '';
  url.hash = '';
  return url;
}

/** Secrets are for the origin that they were given for, and those that the operator trusts with them. */
function secretHeaders(url: URL, secrets: Secrets | undefined): Record<string, string> {
  const origins = secrets === undefined ? [] : [secrets.origin, ...(secrets.alsoFor ?? [])];
  if (secrets === undefined || !origins.some((origin) => new URL(origin).origin === url.origin)) return {};
  const { username, password } = secrets;
  const basic = Buffer.from(`${username ?? ''}:${password ?? ''}`).toString('base64');
  return {
    ...(username === undefined && password === undefined ? {} : { authorization: `Basic ${basic}` }),
    ...Object.fromEntries(secrets.headers.map(({ name, value }) => [name.toLowerCase(), value])),
  };
}

function redirectTarget(answer: Exchange): URL {
  const location = answer.headers.get('location') ?? '';
  if (/, /.test(location)) throw failure(answer, `answers ${answer.status} with more than one Location`);
  if (location === '' || !URL.canParse(location, answer.url.href)) {
    throw failure(answer, `answers ${answer.status} without saying where to`);
  }
  const target = new URL(location, answer.url);
  if (target.protocol === 'http:' || target.protocol === 'https:') return httpUrl(target.href);
  throw new ImageError(
    'NotAllowed',
    `redirects to a ${target.protocol.slice(0, -1)} URL; only http and https are followed`,
    {
      url: displayUrl(answer.url.href),
      rule: 'scheme',
    },
  );
}

function refuseEncoded(answer: Exchange): Exchange {
  const encoded = unaskedEncoding(answer.headers);
  if (encoded === undefined) return answer;
  answer.close();
  throw failure(answer, encoded);
}

function requireStatus(
  answer: Exchange,
  accepted: readonly number[],
  { retryAfterMostMs }: HttpSettings,
): void {
  if (!accepted.includes(answer.status)) throw statusError(answer, answer.url, retryAfterMostMs);
}

const isEmptyFile = ({ status, headers }: Exchange): boolean =>
  status === 416 && /^bytes \*\/0$/.test(headers.get('content-range') ?? '');

function facts({ url, status, headers }: Exchange): SourceFacts {
  const partial = status === 206;
  const total = partial
    ? parseContentRange(headers.get('content-range'))?.total
    : contentLength(headers.get('content-length'));
  return {
    finalUrl: displayUrl(url.href),
    total: total ?? 0,
    etag: headers.get('etag'),
    lastModified: headers.get('last-modified'),
    contentType: headers.get('content-type'),
    ranges: partial || headers.get('accept-ranges')?.trim().toLowerCase() === 'bytes',
  };
}

const contentLength = (value: string | undefined): number | undefined =>
  value !== undefined && /^\d{1,15}$/.test(value) ? Number(value) : undefined;

async function readHead(answer: Exchange, length: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const batch of answer.body) {
    chunks.push(...batch);
    bytes += batch.reduce((sum, chunk) => sum + chunk.length, 0);
    if (bytes >= length) break;
  }
  return Buffer.concat(chunks).subarray(0, length);
}

const failure = (answer: Exchange, sentence: string): ImageError =>
  new ImageError('ProtocolError', sentence, { url: displayUrl(answer.url.href) });
