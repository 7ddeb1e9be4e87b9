import { createConsoleText } from '../../model/console-text.ts';

const ESC = '\x1b';
/** @param pieces what a guest wrote, as it came */
const shown = (...pieces: readonly string[]): string => {
  const read = createConsoleText();
  return pieces.map((piece) => read(piece)).join('');
};

test.each([
  ['text, tabs and letters of any language', 'a\tb — ü 日本 🚀\n', 'a\tb — ü 日本 🚀\n'],
  ['line breaks of a serial line', 'a\r\nb\r\r\nc\n\rd', 'a\nb\nc\nd'],
  ['a progress that returns to the start of its line', ' 10%\r 20%\r 30%\r\n', ' 10%\n 20%\n 30%\n'],
  ['colours', `[${ESC}[0;32m  OK  ${ESC}[0m] Started.`, '[  OK  ] Started.'],
  ['positions on a screen', `${ESC}[2J${ESC}[1;1Hone${ESC}[2;1Htwo`, 'one\ntwo'],
  ['a title of the window', `a${ESC}]0;evil\x07b${ESC}]0;evil${ESC}\\c`, 'abc'],
  ['an answer that a terminal would type', `a${ESC}[6nb${ESC}P+q544e${ESC}\\c`, 'abc'],
  ['a choice of characters, and a reset', `${ESC}(Ba${ESC}cb${ESC}7c`, 'abc'],
  ['sequences of one character', 'a\u009b31mb\u009d0;evil\u009cc\u0085d', 'abcd'],
  ['bells, backspaces and zeros', 'a\x07\b\x7f\0b', 'ab'],
  ['text that turns its direction', 'a\u202eb\u2066c', 'abc'],
])('of a console, %s', (_, written, expected) => {
  expect(shown(written)).toBe(expected);
});

test.each([
  ['OSC', `${ESC}]0;never ended\r\nnext`, '\nnext'],
  ['CSI', `${ESC}[31\nnext`, '\nnext'],
  ['ESC', `${ESC}\nnext`, '\nnext'],
])('an unfinished sequence (%s) hides nothing after the end of its line', (_, written, expected) => {
  expect(shown(written)).toBe(expected);
});

test('a sequence may be torn anywhere', () => {
  const written = `é${ESC}[1;31mred${ESC}[0m\r\n${ESC}]0;title\x07日本\r\n`;
  for (let at = 0; at <= written.length; at += 1) {
    expect(shown(written.slice(0, at), written.slice(at))).toBe('éred\n日本\n');
  }
});
