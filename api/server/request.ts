/** Reads the parameters of a request from its query and its form. */
import { escapeControlCharacters, hasControlCharacter } from '../../model/control-characters.ts';
import { apiCodes } from '../../model/api-codes.ts';
import { ApiError } from './errors.ts';

/** A parameter as sent: its name in the case of the client, and its value decoded. */
export type Entry = readonly [name: string, value: string];

/** The parameters of one request, not yet read by a command. */
export interface SentParameters {
  readonly entries: readonly Entry[];
  /** The value of a parameter, in any case of its name; undefined when it is absent. */
  readonly get: (name: string) => string | undefined;
}

const MAX_PARAMETERS = 1_000;
/** Clients sign names unencoded, so these characters in a name would make the signed text ambiguous. No client uses them. */
const BAD_NAME = /[&=\s]/;
const MAX_SHOWN_LENGTH = 60;

/**
 * @param texts query and form, each `name=value&…`
 * @throws ApiError 430 for a name that is not allowed, for too many parameters, and for one that is given twice
 */
export function readParameters(...texts: readonly string[]): SentParameters {
  const entries: Entry[] = [];
  const byName = new Map<string, Entry>();
  for (const [name, value] of texts.flatMap((text) => [...new URLSearchParams(text)])) {
    const key = name.toLowerCase();
    const known = byName.get(key);
    if (known !== undefined) {
      if (known[0] !== name || known[1] !== value) throw twice(name);
      continue;
    }
    if (BAD_NAME.test(name) || hasControlCharacter(name)) {
      throw malformed(
        `The name of parameter '${shorten(name)}' has a character that names do not have.`,
        parameterOf(name),
      );
    }
    const entry: Entry = [name, value];
    entries.push(entry);
    byName.set(key, entry);
    if (entries.length > MAX_PARAMETERS) {
      throw malformed(`The request has more than ${MAX_PARAMETERS} parameters.`);
    }
  }
  return { entries, get: (name) => byName.get(name.toLowerCase())?.[1] };
}

const twice = (name: string): ApiError =>
  malformed(
    `Parameter ${shorten(name)} is given more than once, with different values or spellings.`,
    parameterOf(name),
  );

const malformed = (sentence: string, parameter?: string): ApiError =>
  new ApiError(apiCodes.malformed, sentence, parameter === undefined ? {} : { parameter });

/** The parameter that a name belongs to: that of `details[0].key` is `details`. Undefined when it begins otherwise. */
const parameterOf = (name: string): string | undefined => /^[a-z]+/i.exec(name)?.[0].toLowerCase();

const shorten = (text: string): string => escapeControlCharacters(text).slice(0, MAX_SHOWN_LENGTH);
