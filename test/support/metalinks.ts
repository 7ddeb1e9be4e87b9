/** Metalink documents that name one file. */

interface MetalinkFacts {
  readonly size?: number;
  readonly sha256?: string;
  /** By SHA-1. */
  readonly pieces?: { readonly length: number; readonly hashes: readonly string[] };
}

const sizeOf = ({ size }: MetalinkFacts): string => (size === undefined ? '' : `<size>${size}</size>`);
const hashOf = ({ sha256 }: MetalinkFacts): string =>
  sha256 === undefined ? '' : `<hash type="sha-256">${sha256}</hash>`;

function piecesOf({ pieces }: MetalinkFacts): string {
  if (pieces === undefined) return '';
  const hashes = pieces.hashes.map((hash) => `<hash>${hash}</hash>`).join('');
  return `<pieces length="${pieces.length}" type="sha-1">${hashes}</pieces>`;
}

/** RFC 5854; the first URL has the first priority. */
export function metalink4(urls: readonly string[], facts: MetalinkFacts = {}): Buffer {
  const lines = urls.map((url, index) => `<url priority="${index + 1}">${url}</url>`);
  return Buffer.from(
    `<?xml version="1.0" encoding="UTF-8"?><metalink xmlns="urn:ietf:params:xml:ns:metalink"><file name="disk">${sizeOf(facts)}${hashOf(facts)}${piecesOf(facts)}${lines.join('')}</file></metalink>`,
  );
}

/** Version 3; the first URL has the highest preference. */
export function metalink3(urls: readonly string[], facts: MetalinkFacts = {}): Buffer {
  const lines = urls.map((url, index) => `<url type="http" preference="${100 - index}">${url}</url>`);
  const verification =
    facts.sha256 === undefined
      ? ''
      : `<verification>${hashOf(facts).replace('sha-256', 'sha256')}</verification>`;
  return Buffer.from(
    `<?xml version="1.0" encoding="UTF-8"?><metalink version="3.0" xmlns="http://www.metalinker.org/"><files><file name="disk">${sizeOf(facts)}${verification}<resources>${lines.join('')}</resources></file></files></metalink>`,
  );
}
