/**
 * A server may send a credential back, for example within an ETag. Headers of answers are stored with the template, where
 * every user can read them, so a header that contains a credential is dropped.
 */

/** Characters: a shorter secret also occurs by chance. */
const SHORTEST = 8;

/** Headers that are never dropped: a redirect has to be followed, and its target is shown without its query. */
const KEPT: ReadonlySet<string> = new Set(['location']);

/** @param sent the request's headers with credentials */
export function withoutReflectedSecrets(
  headers: ReadonlyMap<string, string>,
  sent: Readonly<Record<string, string>>,
): ReadonlyMap<string, string> {
  const secrets = Object.values(sent).flatMap(partsOf).flatMap(formsOf);
  if (secrets.length === 0) return headers;
  const clean = [...headers].filter(
    ([name, value]) => KEPT.has(name) || !secrets.some((secret) => value.includes(secret)),
  );
  return new Map(clean);
}

/** The token of `Bearer TOKEN`, and the user name and password that `Basic` encodes, are secrets of their own. */
function partsOf(value: string): readonly string[] {
  const basic = /^basic\s+(?<token>\S+)$/i.exec(value)?.groups?.['token'];
  const inside = basic === undefined ? [] : Buffer.from(basic, 'base64').toString().split(':');
  return [...value.split(/\s+/), ...inside].filter((part) => part.length >= SHORTEST);
}

const formsOf = (secret: string): readonly string[] => {
  const bytes = Buffer.from(secret);
  return [
    secret,
    encodeURIComponent(secret),
    bytes.toString('base64').replace(/=+$/, ''),
    bytes.toString('hex'),
  ];
};
