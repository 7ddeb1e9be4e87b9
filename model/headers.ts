/** HTTP request headers given as template details. */

export interface Header {
  readonly name: string;
  readonly value: string;
}

export const HEADER_DETAIL = 'HTTP_HEADER';

export class HeaderSyntaxError extends Error {}

/** RFC 9110 section 5.6.2: token. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/**
 * RFC 9110 section 5.5: visible characters, spaces and tabs; no line breaks, so no header can smuggle another. Of what
 * is not ASCII nobody knows how it is meant.
 */
const VALUE = /^[\t\x20-\x7e]*$/;
/** Characters of a value that is to be sent with every request. */
const VALUE_LENGTH = 4096;

/**
 * Headers that the transfer itself must own: setting them would break framing, ranges, conditions or connection
 * handling, or speak to a proxy.
 */
const OWNED = new Set(
  (
    'host range if-range if-match if-none-match if-modified-since if-unmodified-since content-length content-encoding ' +
    'content-range transfer-encoding connection keep-alive http2-settings accept-encoding expect upgrade te trailer ' +
    'proxy-authorization proxy-authenticate proxy-connection via forwarded x-forwarded-for x-forwarded-host ' +
    'x-forwarded-proto x-http-method-override'
  ).split(' '),
);

export const isHeaderDetail = (key: string): boolean =>
  key === HEADER_DETAIL || key.startsWith(`${HEADER_DETAIL}:`);

/**
 * Reads both spellings: detail `HTTP_HEADER:NAME` = `VALUE`, and `HTTP_HEADER` = `NAME:VALUE`.
 * @throws HeaderSyntaxError naming the detail and what is wrong with it.
 */
export function parseHeaderDetail(key: string, value: string): Header {
  const [name, text] =
    key === HEADER_DETAIL ? splitOnce(value) : [key.slice(HEADER_DETAIL.length + 1), value];
  const header = { name: name.trim(), value: (text ?? '').trim() };
  if (text === undefined || header.name === '') {
    throw new HeaderSyntaxError(
      `detail ${HEADER_DETAIL} must be NAME:VALUE, or the detail ${HEADER_DETAIL}:NAME must hold the value`,
    );
  }
  if (!TOKEN.test(header.name)) {
    throw new HeaderSyntaxError(`'${header.name}' is not the name of an HTTP header`);
  }
  if (!VALUE.test(header.value)) {
    throw new HeaderSyntaxError(
      `the value of header ${header.name} has a control character, a line break or a character that is not ASCII`,
    );
  }
  if (header.value.length > VALUE_LENGTH) {
    throw new HeaderSyntaxError(
      `the value of header ${header.name} is longer than ${VALUE_LENGTH} characters`,
    );
  }
  if (OWNED.has(header.name.toLowerCase())) {
    throw new HeaderSyntaxError(`header ${header.name} is set by the download itself and cannot be given`);
  }
  return header;
}

function splitOnce(text: string): [string, string | undefined] {
  const colon = text.indexOf(':');
  return colon < 0 ? [text, undefined] : [text.slice(0, colon), text.slice(colon + 1)];
}
