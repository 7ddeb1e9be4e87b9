/** URLs of images: which ones are accepted, and how they are shown. */

import { enumerated } from './grammar.ts';
import { protocolOf, schemeOf, schemesOf } from './protocols.ts';
import type { Protocols } from './protocols.ts';

/** What of the policy on URLs is judged wherever they are read. */
export type UrlTextRule = 'scheme' | 'port' | 'credentials';

export class UrlSyntaxError extends Error {
  /** Of the policy, when it is that which refuses. */
  readonly rule: UrlTextRule | undefined;

  constructor(message: string, rule?: UrlTextRule) {
    super(message);
    this.rule = rule;
  }
}

export const MAX_URL_LENGTH = 8192;

/**
 * @param protocols that files are fetched by
 * @throws UrlSyntaxError with a sentence that says what would be right
 */
export function parseImageUrl(text: string, protocols: Protocols): URL {
  if (text.length > MAX_URL_LENGTH) {
    throw new UrlSyntaxError(`is ${text.length} characters long; at most ${MAX_URL_LENGTH} are taken`);
  }
  if (!URL.canParse(text)) throw new UrlSyntaxError(`is not a URL, such as https://example.org/image.qcow2`);
  const url = new URL(text);
  // Written out, a character can take nine; what is stored, shown and sent is that form.
  if (url.href.length > MAX_URL_LENGTH) {
    throw new UrlSyntaxError(
      `is ${url.href.length} characters long with everything percent-encoded; at most ${MAX_URL_LENGTH} are taken`,
    );
  }
  const scheme = schemeOf(url);
  const protocol = protocolOf(protocols, scheme);
  if (protocol === undefined) {
    throw new UrlSyntaxError(`has scheme ${scheme}; ${enumerated(schemesOf(protocols))} are taken`, 'scheme');
  }
  if (url.hostname === '') throw new UrlSyntaxError('names no host');
  if (url.port === '0') throw new UrlSyntaxError('has port 0', 'port');
  if (url.username + url.password !== '' && !protocol.credentials.includes('password')) {
    throw new UrlSyntaxError(`has a user name, which ${scheme} does not take`, 'credentials');
  }
  protocol.parse?.(text);
  return url;
}

/** Whether the URL can be fetched, judged by its text alone. */
export function isImageUrl(text: string, protocols: Protocols): boolean {
  try {
    return parseImageUrl(text, protocols) instanceof URL;
  } catch {
    return false;
  }
}

/** `scheme://host:port`, the port left out where it is the usual one: credentials are bound to it. */
export const originOf = (url: URL): string =>
  url.origin === 'null' ? `${url.protocol}//${url.host}` : url.origin;

/** Separates user name and password from a URL. */
export function splitCredentials(url: URL): { url: string; username?: string; password?: string } {
  if (url.username === '' && url.password === '') return { url: url.href };
  const bare = new URL(url);
  bare.username = '';
  bare.password = '';
  return {
    url: bare.href,
    username: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
  };
}

const MAX_SHORTENED_LENGTH = 200;

/** Replaces the query of a URL that is shown: a query may hold a token, such as the signature of a presigned URL. */
const HIDDEN = '?…';
const HIDDEN_SEARCH = new URL(`http://host/${HIDDEN}`).search;

/**
 * The URL as it is shown in lists, events, logs and errors: without credentials, query and control characters,
 * and no longer than a URL may be. Shown once more, it is the same. Never throws.
 */
export function displayUrl(text: string): string {
  if (text.length > MAX_URL_LENGTH || !URL.canParse(text)) return shortened(text);
  const url = new URL(text);
  url.username = '';
  url.password = '';
  const isHidden = hasSecretQuery(url);
  if (isHidden) [url.search, url.hash] = ['', ''];
  return url.href.length > MAX_URL_LENGTH ? shortened(url.href) : url.href + (isHidden ? HIDDEN : '');
}

/** The only query that is shown: the version of a protocol, such as `?version=3` of NFS, is too short for a token. */
const PUBLIC_QUERY = /^\?version=\d$/;

/** Whether the URL has a query that nobody else may see. */
export const hasSecretQuery = ({ search }: URL): boolean => search !== '' && !PUBLIC_QUERY.test(search);

/** Whether the URL is one as it is shown, so that nothing can be fetched with it. */
export const isShownUrl = ({ search }: URL): boolean => search === HIDDEN_SEARCH;

function shortened(text: string): string {
  const bare = text
    .replace(/^([^/?#]*\/\/)[^/?#]*@/, '$1')
    .replace(/\?[^]*$/, HIDDEN)
    .replace(/[\x00-\x1f\x7f]/g, '?');
  return bare.length > MAX_SHORTENED_LENGTH ? `${bare.slice(0, MAX_SHORTENED_LENGTH)}...` : bare;
}

/** A metalink is named by its path, as CloudStack does: `.metalink` or `.meta4`, whatever the query. */
export const isMetalinkUrl = (url: string): boolean => /\.(metalink|meta4)$/i.test(new URL(url).pathname);
