/** Settings of the HTTP source. */
import { whySpecial } from './special-addresses.ts';

/**
 * Says whether a connection may be made, before a packet leaves: for the URL given and for every redirect hop.
 * @param address the resolved IP address
 * @returns why not, as a sentence, or undefined when it may
 */
export type UrlPolicy = (url: URL, address: string) => string | undefined;

export interface HttpOptions {
  /** Milliseconds for DNS, TCP and TLS together. Default 10 000. */
  readonly connectMs?: number;
  /** Milliseconds from the request to the end of the answer's headers. Default 30 000. */
  readonly headersMs?: number;
  /** Milliseconds that the body may stay silent. Default 60 000. */
  readonly idleMs?: number;
  /** Bytes per second that the body must reach on average over `minimumRateMs`. Default 1024; 0 for none. */
  readonly minimumRate?: number;
  /** Default 30 000 milliseconds. */
  readonly minimumRateMs?: number;
  /** Redirects followed for one request. Default 10. */
  readonly maxRedirects?: number;
  /** Default: every address but special ones (special-addresses.ts). */
  readonly policy?: UrlPolicy;
  /** PEM certificates of authorities trusted beside the built-in ones. */
  readonly tls?: { readonly ca?: readonly string[] };
}

export type HttpSettings = Required<HttpOptions>;

export const httpSettings = (options: HttpOptions): HttpSettings => ({
  connectMs: options.connectMs ?? 10_000,
  headersMs: options.headersMs ?? 30_000,
  idleMs: options.idleMs ?? 60_000,
  minimumRate: options.minimumRate ?? 1024,
  minimumRateMs: options.minimumRateMs ?? 30_000,
  maxRedirects: options.maxRedirects ?? 10,
  policy: options.policy ?? ((_url, address) => whySpecial(address)),
  tls: options.tls ?? {},
});
