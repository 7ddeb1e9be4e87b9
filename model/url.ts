/** URLs of images: which are accepted, and how they are shown. */

export class UrlSyntaxError extends Error {}

export const MAX_URL_LENGTH = 2048;
const SCHEMES = ['http:', 'https:'];

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
  if (!SCHEMES.includes(url.protocol)) {
    throw new UrlSyntaxError(`has scheme ${url.protocol.slice(0, -1)}; http and https are taken`);
  }
  if (url.hostname === '') throw new UrlSyntaxError('names no host');
  if (url.port === '0') throw new UrlSyntaxError('has port 0');
  return url;
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
