/** Turns what goes wrong in an HTTP exchange into a kind of failure, with a sentence about the URL. */
import { STATUS_CODES } from 'node:http';
import { ImageError } from '../../../../model/failures.ts';
import type { FailureKind } from '../../../../model/failures.ts';
import { displayUrl } from '../../../../model/url.ts';
import { connectError, errorCode, withUrl } from '../../network/connect-errors.ts';
import type { ConnectPhase } from '../../network/connect-errors.ts';
import { CLIENT_CERTIFICATE, tlsSentence } from '../../network/tls-errors.ts';
import { DEMANDS_CREDENTIALS } from '../../network/tunnel.ts';
import type { OutOfTime } from '../../protocol.ts';

/** The step of an exchange that is under way. */
export type HttpPhase = ConnectPhase | 'headers' | 'body';

/** Names the step that was under way when the caller gave the exchange up. */
export function outOfTime(phase: HttpPhase, error: OutOfTime): ImageError {
  const { limit } = error;
  if (phase === 'dns') {
    const sentence = `has a host name that was not resolved within ${limit}: the name server does not answer`;
    return new ImageError('Unreachable', sentence, { cause: error });
  }
  if (phase !== 'connect') return error;
  return new ImageError('Unreachable', `did not accept the connection within ${limit}`, { cause: error });
}

/** Node's HTTP/2 (nghttp2) reads nine frames of 16 KiB for one set of headers, and has no setting for more. */
const TOO_LONG_FOR_HTTP2 = /^Too many CONTINUATION frames/;

/** The failure of a request that got no whole answer. */
export function transportError(error: Error, phase: HttpPhase, url: URL): ImageError {
  if (error instanceof ImageError) return withUrl(error, url);
  const options = { url: displayUrl(url.href), cause: error };
  const code = errorCode(error);
  // In TLS 1.3 a server rejects a missing client certificate only after the handshake. In a body, any broken connection
  // is a lost connection.
  const tls = phase === 'headers' ? tlsSentence(code) : undefined;
  if (tls !== undefined) return new ImageError('TlsFailed', tls, options);
  if (TOO_LONG_FOR_HTTP2.test(error.message)) {
    const limit = 'over HTTP/2 this host reads at most 144 KiB';
    return new ImageError('ProtocolError', `answers with headers that are too long: ${limit}`, options);
  }
  if (isBadHttp(error, code, phase)) {
    return new ImageError('ProtocolError', `does not keep to HTTP (${error.message})`, options);
  }
  if (phase === 'dns' || phase === 'connect') return connectError(error, url);
  const where = phase === 'body' ? 'in the middle of the file' : 'before it answered';
  return new ImageError('ConnectionLost', `closed the connection ${where}`, options);
}

/** Undici's parser errors come with a code or without one. A body that ends early is a lost connection, not bad HTTP. */
function isBadHttp({ name, message }: Error, code: string, phase: HttpPhase): boolean {
  // Undici reports a malformed header section as a Content-Length mismatch when the response declares a length.
  if (phase === 'headers' && code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH') return true;
  if (code === 'UND_ERR_SOCKET' && /^bad (?:response|upgrade)/.test(message)) return true;
  if (code === 'HPE_INVALID_EOF_STATE' || /invalid eof/i.test(message)) return false;
  return name === 'HTTPParserError' || /^HPE_|^UND_ERR_HEADERS_OVERFLOW$|^UND_ERR_INVALID/.test(code);
}

/** The failure that a status other than 200, 206 or a redirect means. */
export function statusError(
  answer: {
    readonly status: number;
    readonly headers: ReadonlyMap<string, string>;
  },
  url: URL,
  retryAfterMostMs: number,
): ImageError {
  const { status, headers } = answer;
  if (status === 407)
    return new ImageError('Unreachable', `cannot be reached: ${DEMANDS_CREDENTIALS}`, {
      url: displayUrl(url.href),
    });
  const asked = parseRetryAfter(headers.get('retry-after'), Date.now());
  const retryAfterMs = asked === undefined ? undefined : Math.min(asked, retryAfterMostMs);
  const sentence = `answers ${status} ${STATUS_CODES[status] ?? ''}`.trim();
  return new ImageError(statusKind(status), sentence + hint(status, url, headers.get('www-authenticate')), {
    url: displayUrl(url.href),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

/** Servers such as nginx accept a client without a certificate, and then answer 400. Their error page is not read. */
function hint(status: number, { protocol }: URL, challenge = ''): string {
  if (status === 400 && protocol === 'https:') {
    return `: it may demand a client certificate, which nginx tells in this way (then ${CLIENT_CERTIFICATE})`;
  }
  const schemes = status === 401 ? schemesOf(challenge) : [];
  if (schemes.length === 0 || schemes.some((scheme) => /^(?:basic|bearer)$/i.test(scheme))) return '';
  return `: it demands ${schemes.join(' or ')}; Bypass gives Basic or headers`;
}

/** RFC 9110 section 11.6.1: a scheme is a name without an equals sign behind it; quoted text holds no scheme. */
const schemesOf = (challenge: string): readonly string[] =>
  challenge
    .replaceAll(/"(?:[^"\\]|\\.)*"/g, '""')
    .split(',')
    .flatMap((part) => /^\s*([A-Za-z][A-Za-z0-9-]{0,30})(?=\s*$|\s+[^\s=])/.exec(part)?.[1] ?? []);

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
