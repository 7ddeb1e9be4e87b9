/** Secrets that can be recognised wherever they turn up, and in whatever form. */
import { randomBytes } from 'node:crypto';

export interface Canary {
  readonly name: string;
  /** With characters that are written otherwise in a URL. */
  readonly text: string;
  /** What is searched for: by itself the same in a URL. */
  readonly core: string;
}

export function newCanary(name: string): Canary {
  const core = `C4${randomBytes(11).toString('hex')}Yz`;
  return { name, core, text: `~+${core}/=` };
}

/** For a secret that others made. */
export const canaryOf = (name: string, text: string): Canary => ({ name, text, core: text });

/** Plain, hex, and Base64 at every place of a longer text. In a URL it is as it is, or what needs it is encoded. */
export function formsOf({ core }: Canary): readonly string[] {
  const bytes = Buffer.from(core);
  const base64 = [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64');
    return text.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + bytes.length) * 8) / 6));
  });
  const forms = [core, encodeURIComponent(core), bytes.toString('hex'), bytes.toString('hex').toUpperCase()];
  const url = base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'));
  return [...new Set([...forms, ...base64, ...url])];
}

/** Which of them stand in it, as sentences. */
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
