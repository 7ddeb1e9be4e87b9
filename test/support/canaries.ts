/** Canaries: secrets that a test recognises wherever they appear, in several encodings. */
import { randomBytes } from 'node:crypto';

export interface Canary {
  readonly name: string;
  /** The secret, with characters that a URL must encode. */
  readonly text: string;
  /** The part that tests search for; a URL does not encode it. */
  readonly core: string;
}

export function newCanary(name: string): Canary {
  const core = `C4${randomBytes(11).toString('hex')}Yz`;
  return { name, core, text: `~+${core}/=` };
}

/** Makes a canary of a secret that Bypass generated. */
export const canaryOf = (name: string, text: string): Canary => ({ name, text, core: text });

/** The core in all encodings: plain, encoded for URLs, hex, and Base64 at each of the three offsets. */
function formsOf({ core }: Canary): readonly string[] {
  const bytes = Buffer.from(core);
  const base64 = [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64');
    return text.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + bytes.length) * 8) / 6));
  });
  const forms = [core, encodeURIComponent(core), bytes.toString('hex'), bytes.toString('hex').toUpperCase()];
  const url = base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'));
  return [...new Set([...forms, ...base64, ...url])];
}

/** Sentences about the canaries that a text contains. */
export function foundIn(
  where: string,
  what: string | Buffer,
  canaries: readonly Canary[],
): readonly string[] {
  return canaries.flatMap((canary) =>
    formsOf(canary)
      .filter((form) => what.includes(form))
      .map((form) => `${canary.name} stands in ${where} as ${form}`),
  );
}
