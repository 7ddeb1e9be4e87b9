/** URLs of images: which are accepted, and how they are shown. */

import { SCHEMES } from './url-policy.ts';

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

export const MAX_URL_LENGTH = 2048;

/**
 * @throws UrlSyntaxError with a sentence that says what would be right.
 */
export function parseImageUrl(text: string): URL {
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
  if (!SCHEMES.includes(url.protocol.slice(0, -1))) {
    const given = url.protocol.slice(0, -1);
    throw new UrlSyntaxError(`has scheme ${given}; http, https and nfs are taken`, 'scheme');
  }
  if (url.hostname === '') throw new UrlSyntaxError('names no host');
  if (url.port === '0') throw new UrlSyntaxError('has port 0', 'port');
  if (url.protocol === 'nfs:') requireNfs(text);
  return url;
}

const NFS_HOST = /^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i;
const NFS_NAME = /^[\w.+~@=,:-]+$/;

/**
 * Both end in an argument of a program, so little is taken. The text itself is looked at: a parsed URL has lost its
 * `..` and its line breaks already.
 */
function requireNfs(text: string): void {
  const [, host = '', path = '', query = ''] = /^nfs:\/\/([^/?#]*)([^?#]*)([^]*)$/i.exec(text) ?? [];
  if (host.includes('@')) throw new UrlSyntaxError('has a user name, which nfs does not take', 'credentials');
  if (!NFS_HOST.test(host)) throw new UrlSyntaxError('has a host that is no host name or address');
  const names = path.split('/').slice(1);
  if (names.some((name) => name === '.' || name === '..')) {
    throw new UrlSyntaxError("has a path with '.' or '..' in it");
  }
  if (names.length === 0 || !names.every((name) => NFS_NAME.test(name))) {
    throw new UrlSyntaxError(
      'has a path that is not /NAME/…/NAME of letters, digits and . _ + ~ @ = , : -, as nfs demands',
    );
  }
  if (!/^(?:\?version=[34])?$/.test(query)) {
    throw new UrlSyntaxError('has a query or fragment; nfs takes ?version=3 or ?version=4 only');
  }
}

/** The URL without user name and password, and these apart. */
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

const SHOWN = 200;

/** For logs and errors: no credentials, no control characters, and no longer than a URL may be. Never throws. */
export function displayUrl(text: string): string {
  if (text.length > MAX_URL_LENGTH || !URL.canParse(text)) return shortened(text);
  const url = new URL(text);
  url.username = '';
  url.password = '';
  return url.href.length > MAX_URL_LENGTH ? shortened(url.href) : url.href;
}

function shortened(text: string): string {
  const bare = text.replace(/^([^/?#]*\/\/)[^/?#]*@/, '$1').replace(/[\x00-\x1f\x7f]/g, '?');
  return bare.length > SHOWN ? `${bare.slice(0, SHOWN)}...` : bare;
}

/** A metalink is named by its path, as CloudStack does: `.metalink` or `.meta4`, whatever the query. */
export const isMetalinkUrl = (url: string): boolean => /\.(metalink|meta4)$/i.test(new URL(url).pathname);
