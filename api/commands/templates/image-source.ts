/** Reads what a caller says about the source of an image: URL, checksum, headers and credentials. */
import { ChecksumSyntaxError, formatChecksum, parseChecksum } from '../../../model/checksum.ts';
import {
  HEADER_DETAIL,
  type Header,
  HeaderSyntaxError,
  isHeaderDetail,
  parseHeaderDetail,
} from '../../../model/headers.ts';
import { protocolOf, schemeOf, schemesWithHeaders } from '../../../model/protocols.ts';
import type { Protocols } from '../../../model/protocols.ts';
import type { Secrets } from '../../../model/source.ts';
import {
  displayUrl,
  hasSecretQuery,
  isShownUrl,
  originOf,
  parseImageUrl,
  splitCredentials,
  UrlSyntaxError,
} from '../../../model/url.ts';
import { badParameter } from '../../server/errors.ts';
import type { MapEntry } from '../../fields/parameters.ts';

/** The checksum as it is stored: `{ALG}hex`, in lower case. @throws ApiError 431 */
export function readChecksum(checksum: string | undefined): string | undefined {
  if (checksum === undefined || checksum === '') return undefined;
  try {
    return formatChecksum(parseChecksum(checksum));
  } catch (error) {
    if (error instanceof ChecksumSyntaxError)
      throw badParameter('checksum', `is not right: ${error.message}.`);
    throw error;
  }
}

export interface Source {
  /** The URL as it is stored and shown: without user name and password, and with its query hidden. */
  readonly url: string;
  /** The URL with its query, when the query is secret. */
  readonly whole?: string;
  /** `scheme://host:port`, without the default port of the scheme. */
  readonly origin: string;
  readonly username?: string;
  readonly password?: string;
}

export function readUrl(text: string, protocols: Protocols): Source {
  try {
    const url = parseImageUrl(text, protocols);
    if (isShownUrl(url)) {
      throw badParameter(
        'url',
        "ends in '?…', as URLs are shown whose query is kept secret; give the whole URL.",
      );
    }
    const { url: whole, ...credentials } = splitCredentials(url);
    return {
      origin: originOf(url),
      url: displayUrl(whole),
      ...(hasSecretQuery(url) ? { whole } : {}),
      ...credentials,
    };
  } catch (error) {
    if (error instanceof UrlSyntaxError) throw badParameter('url', `${error.message}.`, error);
    if (error instanceof URIError) {
      throw badParameter('url', 'has a user name or password that is not percent-encoded as URLs demand.');
    }
    throw error;
  }
}

export interface Details {
  readonly headers: readonly Header[];
  /** The other details, which are not secret. */
  readonly plain: Readonly<Record<string, string>>;
}

/** Bytes of all details of one template together. */
const MAX_DETAIL_BYTES = 65_536;

/** Divides details into headers, which are secret, and the rest. */
export function readDetails(entries: readonly MapEntry[] = []): Details {
  const bytes = Buffer.byteLength(entries.map(({ key, value }) => key + value).join(''));
  if (bytes > MAX_DETAIL_BYTES) {
    throw badParameter('details', `have ${bytes} bytes together; at most ${MAX_DETAIL_BYTES} are taken.`);
  }
  const headers = new Map<string, Header>();
  const plain = new Map<string, string>();
  for (const { key, value } of entries) {
    const name = headerSpelling(key);
    if (isHeaderDetail(name)) {
      const header = readHeader(name, value);
      if (headers.has(header.name.toLowerCase()))
        throw badParameter('details', `names header ${header.name} twice.`);
      headers.set(header.name.toLowerCase(), header);
    } else {
      if (plain.has(key)) throw badParameter('details', `has ${key} twice.`);
      plain.set(key, value);
    }
  }
  return { headers: [...headers.values()], plain: Object.fromEntries(plain) };
}

/** Some clients lower-case names, so `http_header` marks a secret header as well. */
const headerSpelling = (key: string): string => key.replace(/^http_header(?=:|$)/i, HEADER_DETAIL);

function readHeader(key: string, value: string): Header {
  try {
    return parseHeaderDetail(key, value);
  } catch (error) {
    if (error instanceof HeaderSyntaxError) throw badParameter('details', `are not right: ${error.message}.`);
    throw error;
  }
}

/** What only the source may see; undefined when there is no secret. */
export function secretsOf(
  { origin, whole, username, password }: Source,
  headers: readonly Header[],
  protocols: Protocols,
): Secrets | undefined {
  if (headers.length === 0 && username === undefined && whole === undefined) return undefined;
  const protocol = protocolOf(protocols, schemeOf(new URL(origin)));
  if (headers.length > 0 && protocol?.credentials.includes('headers') !== true) {
    throw badParameter('details', `give headers, but only ${schemesWithHeaders(protocols)} URLs take them.`);
  }
  return {
    v: 1,
    origin,
    headers,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(whole === undefined ? {} : { url: whole }),
  };
}
