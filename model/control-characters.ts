/**
 * Characters that steer what shows a text and stand for nothing in it: control characters of both sets (C0 and C1, which
 * terminals take for escape sequences), line separators, and those that turn the direction of text, by which a name can be
 * read as another.
 */
const BEYOND_ASCII = '\\x7f-\\x9f\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069';

const ANY = new RegExp(`[\\x00-\\x1f${BEYOND_ASCII}]`, 'g');
const RUNS = new RegExp(`[\\x00-\\x1f${BEYOND_ASCII}]+`, 'g');
/** JSON escapes the first set itself. */
const LEFT_BY_JSON = new RegExp(`[${BEYOND_ASCII}]`, 'g');
/** Line breaks and tabs are text. */
const NOT_TEXT = new RegExp(`[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f${BEYOND_ASCII}]`);

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

const escaped = (character: string): string =>
  SHORT[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** Whether a text of several lines has such a character besides line breaks and tabs. */
export const hasControlCharacter = (text: string): boolean => NOT_TEXT.test(text);

/** One line, in which each such character is written as JSON would. */
export const escapeControlCharacters = (text: string): string => text.replace(ANY, escaped);

/** One line, with a space in the place of each run of them. */
export const blankControlCharacters = (text: string): string => text.replace(RUNS, ' ');

/** The same JSON with these characters escaped, so that it can be shown. */
export const showableJson = (json: string): string => json.replace(LEFT_BY_JSON, escaped);
