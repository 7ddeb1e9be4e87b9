/** Settings of the HTTP source. */
import { BUDGETS } from './budgets.ts';
import type { Budgets } from './budgets.ts';
import { whySpecial } from './special-addresses.ts';

/**
 * Says whether a connection may be made, before a packet leaves: for the URL given and for every redirect hop.
 * @param address the resolved IP address
 * @returns why not, as a sentence, or undefined when it may
 */
export type UrlPolicy = (url: URL, address: string) => string | undefined;

/** The policy where none is given. */
export const notSpecial: UrlPolicy = (_url, address) => whySpecial(address);

/** What is not given of the budgets is as BUDGETS says. */
export interface HttpOptions extends Partial<Budgets> {
  /** Redirects followed for one request. Default 10. */
  readonly maxRedirects?: number;
  /** Default: every address but special ones (special-addresses.ts). */
  readonly policy?: UrlPolicy;
  /** PEM certificates of authorities trusted beside the built-in ones. */
  readonly tls?: { readonly ca?: readonly string[] };
}

export type HttpSettings = Required<HttpOptions>;

export const httpSettings = (options: HttpOptions): HttpSettings => ({
  ...BUDGETS,
  maxRedirects: 10,
  policy: notSpecial,
  tls: {},
  ...options,
});
