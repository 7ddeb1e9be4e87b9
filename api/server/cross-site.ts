/** Recognizes requests that a page of another site made a browser send. Such a page must not log anybody in. */
import type { IncomingHttpHeaders } from 'node:http';

/**
 * Programs send neither header. A browser names the site of the page: in `Sec-Fetch-Site` over a secure connection,
 * else in `Origin`.
 * @param host the header Host of the request
 */
export function isCrossSite(headers: IncomingHttpHeaders, host: string): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  const { origin } = headers;
  return origin !== undefined && (!URL.canParse(origin) || new URL(origin).host !== host);
}
