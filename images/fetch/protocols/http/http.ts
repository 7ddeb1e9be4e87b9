/** Files over http and https. */
import { ImageError } from '../../../../model/failures.ts';
import type { Secrets } from '../../../../model/source.ts';
import { counted, withArticle } from '../../../../model/grammar.ts';
import { schemeOf } from '../../../../model/protocols.ts';
import { displayUrl, MAX_URL_LENGTH } from '../../../../model/url.ts';
import { exchange } from './exchange.ts';
import type { Exchange } from './exchange.ts';
import { statusError } from './http-errors.ts';
import { HTTP_FACTS, httpSettings } from './http-options.ts';
import type { HttpOptions, HttpSettings } from './http-options.ts';
import {
  parseContentRange,
  rangeHeaders,
  REFUSING_RANGES,
  requireRange,
  resumeHeaders,
  resumeOutcome,
  unaskedEncoding,
} from './ranges.ts';
import type { ResumeOutcome } from './ranges.ts';
import { RangeRefused } from '../../range.ts';
import { PROBE_LENGTH } from '../../protocol.ts';
import { firstBytes } from '../../first-bytes.ts';
import { withoutReflectedSecrets } from './reflected-secrets.ts';
import type {
  OpenedSource,
  OpenRequest,
  Protocol,
  Source,
  SourceFacts,
  SourceHead,
  SourceRequest,
  WantedRange,
} from '../../protocol.ts';

const REDIRECTS = new Set([301, 302, 303, 307, 308]);

export const HTTP: Protocol = { ...HTTP_FACTS, create: createHttpSource };

export function createHttpSource(options: HttpOptions = {}): Source {
  const settings = httpSettings(options);
  return {
    probe: (request) => probe(request, settings),
    open: (request) =>
      request.range === undefined ? open(request, settings) : openRange(request, request.range, settings),
  };
}

/** Uses GET, not HEAD: presigned URLs are signed for one method, and the first bytes tell the format. */
async function probe(request: SourceRequest, settings: HttpSettings): Promise<SourceHead> {
  const answer = await follow(request, { range: `bytes=0-${PROBE_LENGTH - 1}` }, settings);
  if (!REFUSING_RANGES.has(answer.status) || isEmptyFile(answer)) return headOf(answer, settings);
  answer.close();
  return { ...(await headOf(await follow(request, {}, settings), settings)), ranges: false };
}

async function headOf(answer: Exchange, settings: HttpSettings): Promise<SourceHead> {
  try {
    if (isEmptyFile(answer)) return { ...facts(answer), total: 0, head: Buffer.alloc(0) };
    requireStatus(answer, [200, 206], settings);
    if (answer.status === 206 && parseContentRange(answer.headers.get('content-range'))?.first !== 0) {
      throw failure(answer, 'sent other bytes than asked for');
    }
    const head = await firstBytes(answer.body, PROBE_LENGTH);
    requirePlain(answer, isGzip(head));
    return { ...facts(answer), head };
  } finally {
    answer.close();
  }
}

async function open(request: OpenRequest, settings: HttpSettings): Promise<OpenedSource> {
  const answer = await follow(request, resumeHeaders(request.resume), settings);
  try {
    requireStatus(answer, [200, 206, ...(request.resume === undefined ? [] : REFUSING_RANGES)], settings);
    const outcome = outcomeOf(request, answer);
    if (outcome.from === 'new request') {
      answer.close();
      request.onRestart?.(outcome.reason);
      return await open({ ...request, resume: undefined }, settings);
    }
    if (outcome.from === 'zero' && outcome.reason !== undefined) request.onRestart?.(outcome.reason);
    if (outcome.from === 'zero') return { ...opened(answer, 0), body: fromBeginning(answer) };
    requirePlain(answer, request.gzip === true);
    return opened(answer, request.resume?.offset ?? 0);
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
    if (REFUSING_RANGES.has(answer.status) && answer.status !== 416) {
      const { message } = statusError(answer, answer.url, settings.retryAfterMostMs);
      throw new RangeRefused(`${message} to a request for a part of the file`, {
        changed: false,
        byStatus: true,
      });
    }
    requireStatus(answer, [200, 206, 416], settings);
    requireRange(range, answer);
    requirePlain(answer, request.gzip === true);
    return { ...opened(answer, range.first), total: range.total };
  } catch (error) {
    answer.close();
    if (!(error instanceof RangeRefused)) throw error;
    const { changed, byStatus } = error;
    throw new RangeRefused(error.message, { changed, byStatus, url: displayUrl(answer.url.href) });
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

/** Sends the request and follows redirects; secrets go only to the origins that they are for. */
async function follow(
  request: SourceRequest,
  headers: Readonly<Record<string, string>>,
  settings: HttpSettings,
): Promise<Exchange> {
  let url = httpUrl(request.url);
  for (let hop = 0; hop <= settings.maxRedirects; hop += 1) {
    const secret = secretHeaders(url, request.secrets);
    const sent = { ...fixedHeaders, ...openHeaders(request.secrets), ...secret, ...headers, ...encoding };
    const given = await exchange(url, sent, settings, request.signal);
    const answer = { ...given, headers: withoutReflectedSecrets(given.headers, secret) };
    if (!REDIRECTS.has(answer.status)) return answer;
    answer.close();
    const from = url;
    url = redirectTarget(answer);
    settings.egress.requireRedirect(from, url);
  }
  throw new ImageError('TooManyRedirects', `redirects more than ${counted(settings.maxRedirects, 'time')}`, {
    url: displayUrl(request.url),
  });
}

const fixedHeaders = { accept: '*/*', 'user-agent': 'Bypass' };
const encoding = { 'accept-encoding': 'identity' };

/** Without the user name and password of the URL: credentials come from the secrets. */
function httpUrl(text: string): URL {
  const url = new URL(text);
  url.username = '';
  url.password = '';
  url.hash = '';
  return url;
}

/** Headers of the user that go to every origin: they are no secrets, and some servers answer by them. */
const OPEN = new Set(['user-agent', 'accept', 'accept-language']);

const headersOf = (
  secrets: Secrets | undefined,
  isWanted: (name: string) => boolean,
): Record<string, string> =>
  Object.fromEntries(
    (secrets?.headers ?? [])
      .map(({ name, value }) => [name.toLowerCase(), value] as const)
      .filter(([name]) => isWanted(name)),
  );

const openHeaders = (secrets: Secrets | undefined): Record<string, string> =>
  headersOf(secrets, (name) => OPEN.has(name));

/** Secrets go to the origin that they were given for, and to those that the operator trusts with them. */
function secretHeaders(url: URL, secrets: Secrets | undefined): Record<string, string> {
  const origins = secrets === undefined ? [] : [secrets.origin, ...(secrets.alsoFor ?? [])];
  if (secrets === undefined || !origins.some((origin) => new URL(origin).origin === url.origin)) return {};
  const { username, password } = secrets;
  const basic = Buffer.from(`${username ?? ''}:${password ?? ''}`).toString('base64');
  return {
    ...(username === undefined && password === undefined ? {} : { authorization: `Basic ${basic}` }),
    ...headersOf(secrets, (name) => !OPEN.has(name)),
  };
}

function redirectTarget(answer: Exchange): URL {
  const location = answer.headers.get('location') ?? '';
  if (answer.repeated.has('location')) {
    throw failure(answer, `answers ${answer.status} with more than one Location`);
  }
  if (location === '' || !URL.canParse(location, answer.url.href)) {
    throw failure(answer, `answers ${answer.status} without saying where to`);
  }
  const target = new URL(location, answer.url);
  if (target.href.length > MAX_URL_LENGTH) {
    const sentence = `redirects to a URL of ${target.href.length} characters; at most ${MAX_URL_LENGTH} are taken`;
    throw failure(answer, sentence);
  }
  if (schemeOf(target) in HTTP.schemes) return httpUrl(target.href);
  throw new ImageError(
    'NotAllowed',
    `redirects to ${withArticle(`${target.protocol.slice(0, -1)} URL`)}; only http and https are followed`,
    {
      url: displayUrl(answer.url.href),
      rule: 'scheme',
    },
  );
}

function requirePlain(answer: Exchange, gzip: boolean): void {
  const sentence = unaskedEncoding(answer.headers, gzip);
  if (sentence !== undefined) throw failure(answer, sentence);
}

async function* fromBeginning(answer: Exchange): AsyncGenerator<readonly Buffer[]> {
  let isFirst = true;
  for await (const batch of answer.body) {
    if (isFirst) requirePlain(answer, isGzip(Buffer.concat(batch.slice(0, 2))));
    isFirst = false;
    yield batch;
  }
  if (isFirst) requirePlain(answer, false);
}

const isGzip = (head: Buffer): boolean => head[0] === 0x1f && head[1] === 0x8b;

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

const failure = (answer: Exchange, sentence: string): ImageError =>
  new ImageError('ProtocolError', sentence, { url: displayUrl(answer.url.href) });
