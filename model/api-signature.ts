/** The text that a signed API request is authenticated by. */

/**
 * CloudStack's canonical form: all parameters but `signature`, sorted by name in the case they were sent in, each
 * value percent-encoded, joined by `&`, all in lower case. HMAC-SHA-1 over it with the secret key, in Base64, is the
 * signature.
 * @param encode how the client encodes a value; clients disagree about `*` and `~`
 */
export function textToSign(
  parameters: Iterable<readonly [name: string, value: string]>,
  encode: (value: string) => string = encodeValue,
): string {
  return [...parameters]
    .filter(([name]) => name.toLowerCase() !== 'signature')
    .toSorted(([a], [b]) => (a < b ? -1 : Number(a > b)))
    .map(([name, value]) => `${name}=${encode(value)}`)
    .join('&')
    .toLowerCase();
}

/** As Java's URLEncoder does it with `+` turned into `%20`: `*` stays, `~` is encoded. */
export const encodeValue = (value: string): string =>
  encodeURIComponent(value).replace(/[!'()~]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
