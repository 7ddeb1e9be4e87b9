/** Measures, cuts, wraps and colours text for a terminal. */

import { blankControlCharacters } from '../model/control-characters.ts';

export type Tone = 'good' | 'bad' | 'busy' | 'faint' | 'strong';

/** The signs that a terminal can show, and whether it shows colours. */
export interface Style {
  readonly ellipsis: string;
  readonly full: string;
  readonly empty: string;
  readonly good: string;
  readonly bad: string;
  readonly color: boolean;
}

export const createStyle = (options: { readonly unicode: boolean; readonly color: boolean }): Style =>
  options.unicode
    ? { ellipsis: '…', full: '█', empty: '░', good: '✓', bad: '✗', color: options.color }
    : { ellipsis: '..', full: '#', empty: '.', good: '+', bad: '!', color: options.color };

const CODES: Readonly<Record<Tone, string>> = { good: '32', bad: '31', busy: '36', faint: '2', strong: '1' };

export const paint = (text: string, tone: Tone | undefined, { color }: Style): string =>
  tone === undefined || !color || text === '' ? text : `\x1b[${CODES[tone]}m${text}\x1b[0m`;

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
/** East Asian wide and fullwidth characters, and emoji: two columns each. */
const WIDE =
  /^(?:[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{1f300}-\u{1faff}]|[\u{20000}-\u{3fffd}])/u;
const PLAIN = /^[\x20-\x7e]*$/;

const parts = (text: string): readonly string[] => [...graphemes.segment(text)].map(({ segment }) => segment);
const widthOf = (grapheme: string): number => (WIDE.test(grapheme) ? 2 : 1);

/** Columns that text takes, without colours in it. */
export const widthOfText = (text: string): number =>
  PLAIN.test(text) ? text.length : parts(text).reduce((sum, part) => sum + widthOf(part), 0);

/** One line without control characters: names and errors from elsewhere must not steer the terminal. */
export const clean = (text: string): string => blankControlCharacters(text).trim();

/** Cuts a text to a number of columns, with a sign at its end. */
export function cut(text: string, columns: number, { ellipsis }: Pick<Style, 'ellipsis'>): string {
  if (widthOfText(text) <= columns) return text;
  const room = columns - ellipsis.length;
  if (room <= 0) return ellipsis.slice(0, Math.max(0, columns));
  let taken = '';
  let width = 0;
  for (const part of parts(text)) {
    width += widthOf(part);
    if (width > room) break;
    taken += part;
  }
  return taken.trimEnd() + ellipsis;
}

export const padEnd = (text: string, columns: number): string =>
  text + ' '.repeat(Math.max(0, columns - widthOfText(text)));

export const padStart = (text: string, columns: number): string =>
  ' '.repeat(Math.max(0, columns - widthOfText(text))) + text;

/** Like `wrap`, with all lines but the first indented. */
export const hang = (text: string, columns: number | undefined, indent: string): readonly string[] =>
  columns === undefined
    ? [text]
    : wrap(text, columns - indent.length).map((line, i) => (i === 0 ? line : indent + line));

/** Breaks a text at spaces into lines of at most so many columns; a longer word gets a line of its own. */
export function wrap(text: string, columns: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && widthOfText(last) + 1 + widthOfText(word) <= columns) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else {
      lines.push(word);
    }
  }
  return lines;
}
