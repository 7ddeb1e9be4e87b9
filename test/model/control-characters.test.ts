import {
  blankControlCharacters,
  escapeControlCharacters,
  hasControlCharacter,
  showableJson,
} from '../../model/control-characters.ts';

const STEERING = ['\0', '\x1b', '\x7f', '\x85', '\x9b', '\u2028', '\u202e', '\u2066', '\u2069'];

test.each(STEERING)(
  'a character that steers what shows it, such as %j, is seen, escaped and blanked',
  (one) => {
    const text = `a${one}b`;
    expect(hasControlCharacter(text)).toBe(true);
    expect(escapeControlCharacters(text)).toMatch(/^a\\u[0-9a-f]{4}b$/);
    expect(blankControlCharacters(text)).toBe('a b');
    const json = showableJson(JSON.stringify({ [text]: text }));
    expect(hasControlCharacter(json)).toBe(false);
    expect(JSON.parse(json)).toEqual({ [text]: text });
  },
);

test('text of several lines and of any script has no control characters', () => {
  for (const text of ['a\n\r\tb', 'עברית \u200f ok', 'é€😀', '\u00a0']) {
    expect(hasControlCharacter(text)).toBe(false);
    expect(showableJson(text)).toBe(text);
  }
  expect(escapeControlCharacters('a\n\r\tb')).toBe('a\\n\\r\\tb');
  expect(blankControlCharacters('a\n\tb')).toBe('a b');
});
