/** The parameters of a request, from its query and its form, as they were sent. */
import { ApiError, errorCode } from './errors.ts';

/** A parameter as sent: its name in the case of the client, and its value decoded. */
export type Entry = readonly [name: string, value: string];

export interface Given {
  readonly entries: readonly Entry[];
  /** The value of a parameter, whatever the case of its name; nothing when it is absent or empty. */
  readonly get: (name: string) => string | undefined;
}

const MAX_PARAMETERS = 1_000;
/** What would make the signed text ambiguous (names are signed as they are), and what no client sends. */
// oxlint-disable-next-line no-control-regex
const BAD_NAME = /[&=\s\x00-\x1f\x7f]/;
const SHOWN = 60;

/**
 * @param texts query and form, each `name=value&…`
 * @throws ApiError 430
 */
export function readParameters(...texts: readonly string[]): Given {
  const entries: Entry[] = [];
  const byName = new Map<string, Entry>();
  for (const [name, value] of texts.flatMap((text) => [...new URLSearchParams(text)])) {
    const key = name.toLowerCase();
    const known = byName.get(key);
    if (known !== undefined) {
      if (known[0] !== name || known[1] !== value) throw twice(name);
      continue;
    }
    if (BAD_NAME.test(name)) {
      throw malformed(`The name of parameter '${shorten(name)}' has a character that names do not have.`);
    }
    const entry: Entry = [name, value];
    entries.push(entry);
    byName.set(key, entry);
    if (entries.length > MAX_PARAMETERS) {
      throw malformed(`The request has more than ${MAX_PARAMETERS} parameters.`);
    }
  }
  return { entries, get: (name) => byName.get(name.toLowerCase())?.[1] || undefined };
}

const twice = (name: string): ApiError =>
  malformed(`Parameter ${shorten(name)} is given more than once, with different values or spellings.`);

const malformed = (sentence: string): ApiError => new ApiError(errorCode.malformed, sentence);

// oxlint-disable-next-line no-control-regex
const shorten = (text: string): string => text.replace(/[\x00-\x1f\x7f]/g, '?').slice(0, SHOWN);
