/**
 * The text of a serial console for people. A guest writes what it likes: sequences that move the cursor, set the title of a
 * window or type into a terminal. Only text, line breaks and tabs are kept, so that the result can be shown anywhere.
 *
 * The state machine reads one character after the other, across pieces: `text`, `escape` (after ESC), `control` (a CSI
 * sequence until its final letter) and `string` (OSC, DCS and the like until their end). Each ends at a line break as well, so
 * that an unfinished sequence never hides what follows. A carriage return is a line break only when text follows it.
 */
import { hasControlCharacter } from './control-characters.ts';

type State = 'text' | 'escape' | 'control' | 'string';

const ESCAPE = '\x1b';
const CONTROL = '\x9b';
/** BEL, and the string terminator of one character. */
const STRING_ENDS = '\x07\x9c';
/** DCS, SOS, OSC, PM, APC: after ESC, and as one character. */
const AFTER_ESCAPE = 'PX]^_';
const STRINGS = '\x90\x98\x9d\x9e\x9f';
const BREAKS = '\n\v\f';
/** Final letters by which a screen goes to another line. */
const OTHER_LINE = 'HfEF';

const isBetween = (character: string, first: string, last: string): boolean =>
  character >= first && character <= last;

/** @returns a function that takes what the guest wrote next, and returns what can be shown of it */
export function createConsoleText(): (written: string) => string {
  let state: State = 'text';
  let isLineEmpty = true;
  let hasReturned = false;

  const lineBreak = (): string => {
    hasReturned = false;
    isLineEmpty = true;
    return '\n';
  };
  const shown = (character: string): string => {
    if (character === '\r') {
      hasReturned = !isLineEmpty;
      return '';
    }
    if (BREAKS.includes(character)) return lineBreak();
    if (hasControlCharacter(character)) return '';
    const before = hasReturned ? lineBreak() : '';
    isLineEmpty = false;
    return `${before}${character}`;
  };
  const begin = (next: State): string => {
    state = next;
    return '';
  };

  const inText = (character: string): string => {
    if (character === ESCAPE) return begin('escape');
    if (character === CONTROL) return begin('control');
    if (STRINGS.includes(character)) return begin('string');
    return shown(character);
  };
  const inEscape = (character: string): string => {
    if (character === '[') return begin('control');
    if (AFTER_ESCAPE.includes(character)) return begin('string');
    // Such as the choice of a character set, `ESC ( B`, which has another character to come.
    if (isBetween(character, ' ', '/')) return '';
    state = 'text';
    return isBetween(character, '0', '~') ? '' : inText(character);
  };
  const inControl = (character: string): string => {
    if (isBetween(character, ' ', '?')) return '';
    state = 'text';
    if (OTHER_LINE.includes(character)) return isLineEmpty ? '' : lineBreak();
    return isBetween(character, '@', '~') ? '' : inText(character);
  };
  const inString = (character: string): string => {
    if (STRING_ENDS.includes(character)) return begin('text');
    if (character === ESCAPE) return begin('escape');
    if (!BREAKS.includes(character) && character !== '\r') return '';
    state = 'text';
    return shown(character);
  };

  const steps = { text: inText, escape: inEscape, control: inControl, string: inString };
  return (written) => {
    let text = '';
    for (const character of written) text += steps[state](character);
    return text;
  };
}
