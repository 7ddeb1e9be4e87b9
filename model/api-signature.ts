/** The text that a signed API request is authenticated by. */

/**
 * CloudStack's canonical form: all parameters but `signature`, sorted by name in the case they were sent in, each
 * value percent-encoded, joined by `&`, all in lower case. HMAC-SHA-1 over it with the secret key, in Base64, is the
 * signature.
 * @param way how a client departs from that; clients disagree about `*`, `~` and more
 */
export function textToSign(
  parameters: Iterable<readonly [name: string, value: string]>,
  { encode = encodeValue, encodesNames = false, sortsInLowerCase = false }: SigningWay = {},
): string {
  const keyOf = (name: string): string => (sortsInLowerCase ? name.toLowerCase() : name);
  return [...parameters]
    .filter(([name]) => name.toLowerCase() !== 'signature')
    .map(([name, value]) => [keyOf(name), name, value] as const)
    .toSorted(([a], [b]) => (a < b ? -1 : Number(a > b)))
    .map(([, name, value]) => `${encodesNames ? encode(name) : name}=${encode(value)}`)
    .join('&')
    .toLowerCase();
}

export interface SigningWay {
  readonly encode?: (value: string) => string;
  readonly encodesNames?: boolean;
  readonly sortsInLowerCase?: boolean;
}

/** As Java's URLEncoder does it with `+` turned into `%20`: `*` stays, `~` is encoded. */
export const encodeValue = (value: string): string =>
  encodeURIComponent(value).replace(/[!'()~]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
