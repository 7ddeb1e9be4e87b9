/** Rewrites sentences of the api for people. */
import { bytes } from './quantities.ts';

/** Puts the event first and the address last. */
const addressLast = (sentence: string): string =>
  sentence.replace(
    /^(.*?: )?([a-z]+:\/\/\S+): (.*)$/s,
    (_, before = '', address: string, rest: string) => `${before}${rest} — ${address}`,
  );

const BYTES = /\b(\d{4,})(?: bytes\b|(?= were registered\b))/g;

const exact = (count: number): string => `${count.toLocaleString('en')}\u00a0bytes`;

/** Keeps all digits of sizes that differ but would look equal in larger units. */
function withQuantities(sentence: string): string {
  const counts = new Set([...sentence.matchAll(BYTES)].map(([, count]) => Number(count)));
  const areDistinct = new Set([...counts].map(bytes)).size === counts.size;
  return sentence.replaceAll(BYTES, (_, count: string) => (areDistinct ? bytes : exact)(Number(count)));
}

export const readable = (sentence: string): string => withQuantities(addressLast(sentence));

/** Shortens a sentence for a table row: the row names the file, and the linked page shows the whole checksums. */
export const inShort = (sentence: string): string =>
  withQuantities(sentence)
    .replace(/^[a-z]+:\/\/\S+: /, '')
    .replaceAll(/\b([0-9a-f]{8})[0-9a-f]{24,}\b/gi, '$1…');
