/** What went wrong in HTTP, told as one of the kinds of failure, with a sentence about the URL. */
import { STATUS_CODES } from 'node:http';
import { ImageError } from '../../model/failures.ts';
import type { FailureKind } from '../../model/failures.ts';
import { displayUrl } from '../../model/url.ts';
import { CLIENT, tlsSentence } from './tls-errors.ts';

export type HttpPhase = 'dns' | 'connect' | 'tls' | 'headers' | 'body';

const UNREACHABLE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refused the connection',
  ENOTFOUND: 'has a host name that does not resolve',
  EAI_AGAIN: 'has a host name that could not be resolved: the name server does not answer',
  EHOSTUNREACH: 'cannot be reached: no route to the host',
  ENETUNREACH: 'cannot be reached: no route to the network',
  ETIMEDOUT: 'did not accept the connection in time',
};

/** The failure of a request that got no whole answer. */
export function transportError(error: Error, phase: HttpPhase, url: URL): ImageError {
  const options = { url: displayUrl(url.href), cause: error };
  if (error instanceof ImageError) {
    const { kind, message, rule } = error;
    return new ImageError(kind, message, rule === undefined ? options : { ...options, rule });
  }
  const code = errorCode(error);
  // TLS 1.3 tells of a missing client certificate only after the handshake. In a body, a broken connection is just that.
  const tls = phase === 'headers' ? tlsSentence(code) : undefined;
  if (tls !== undefined) return new ImageError('TlsFailed', tls, options);
  if (isBadHttp(error, code, phase)) {
    return new ImageError('ProtocolError', `does not keep to HTTP (${error.message})`, options);
  }
  if (phase === 'dns' || phase === 'connect') {
    const sentence = UNREACHABLE[code] ?? `cannot be reached (${code === '' ? error.message : code})`;
    return new ImageError('Unreachable', sentence, options);
  }
  const where = phase === 'body' ? 'in the middle of the file' : 'before it answered';
  return new ImageError('ConnectionLost', `closed the connection ${where}`, options);
}

/** Undici's parser errors come with a code or without one. A body that just ended early is none of them. */
function isBadHttp({ name, message }: Error, code: string, phase: HttpPhase): boolean {
  // What is wrong in a head with a length comes as a wrong length.
  if (phase === 'headers' && code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH') return true;
  if (code === 'UND_ERR_SOCKET' && /^bad (?:response|upgrade)/.test(message)) return true;
  if (code === 'HPE_INVALID_EOF_STATE' || /invalid eof/i.test(message)) return false;
  return name === 'HTTPParserError' || /^HPE_|^UND_ERR_HEADERS_OVERFLOW$|^UND_ERR_INVALID/.test(code);
}

/** The failure that an answer other than 200, 206 or a redirect means. */
export function statusError(
  answer: {
    readonly status: number;
    readonly headers: ReadonlyMap<string, string>;
  },
  url: URL,
  retryAfterMostMs: number,
): ImageError {
  const { status, headers } = answer;
  const asked = parseRetryAfter(headers.get('retry-after'), Date.now());
  const retryAfterMs = asked === undefined ? undefined : Math.min(asked, retryAfterMostMs);
  const sentence = `answers ${status} ${STATUS_CODES[status] ?? ''}`.trim();
  return new ImageError(statusKind(status), sentence + hint(status, url), {
    url: displayUrl(url.href),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

/** Servers such as nginx let a client without a certificate in, and then answer so. Their page is not read. */
const hint = (status: number, { protocol }: URL): string =>
  status === 400 && protocol === 'https:'
    ? `: it may demand a client certificate, which nginx tells in this way (then ${CLIENT})`
    : '';

function statusKind(status: number): FailureKind {
  if (status === 404 || status === 410) return 'NotFound';
  if (status === 429 || status === 503) return 'Throttled';
  if (status >= 500) return 'ServerError';
  return status >= 400 ? 'Refused' : 'ProtocolError';
}

const WEEKDAY = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)/;

/** RFC 9110 section 10.2.3: seconds or a date; undefined when it is neither. In milliseconds from `now`, never negative. */
export function parseRetryAfter(value: string | undefined, now: number): number | undefined {
  const text = value?.trim() ?? '';
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const date = WEEKDAY.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

function errorCode(error: Error): string {
  const own = (error as NodeJS.ErrnoException).code;
  if (own !== undefined) return own;
  const [first] = error instanceof AggregateError ? (error.errors as Error[]) : [];
  return first === undefined ? '' : errorCode(first);
}
