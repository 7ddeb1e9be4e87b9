/**
 * A server may say again what it was told, such as a credential within an ETag. What it says is kept with the template,
 * for everybody to read: so a header of an answer that has a credential in it is taken as not given.
 */

/** What is shorter turns up by chance. */
const SHORTEST = 8;

/** Where it leads has to be followed; it is shown without its query. */
const KEPT: ReadonlySet<string> = new Set(['location']);

/** @param sent the headers with credentials */
export function withoutEchoes(
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

/** `Bearer TOKEN` is one, and so is what `Basic` stands for. */
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
