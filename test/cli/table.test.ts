import { shownAsJson } from '../../cli/output.ts';
import { renderTable } from '../../cli/table.ts';
import type { Column } from '../../cli/table.ts';
import { clean, createStyle, cut, hang, paint, widthOfText } from '../../cli/text.ts';

const style = createStyle({ unicode: true, color: false });

interface Row {
  readonly name: string;
  readonly size: number;
  readonly path: string;
}

const columns: readonly Column<Row>[] = [
  { title: 'NAME', value: ({ name }) => name, atLeast: 6 },
  { title: 'SIZE', value: ({ size }) => size, right: true },
  { title: 'PATH', value: ({ path }) => path, drop: 1 },
];
const rows: readonly Row[] = [
  { name: 'ubuntu-24.04-server', size: 5, path: '/var/lib/bypass/pools/local-1' },
  { name: 'd', size: 1234, path: '/x' },
];

test('a table is as wide as its contents, with numbers aligned to the right', () => {
  expect(renderTable(columns, rows, undefined, style)).toEqual([
    'NAME                 SIZE  PATH',
    'ubuntu-24.04-server     5  /var/lib/bypass/pools/local-1',
    'd                    1234  /x',
  ]);
});

test('without enough room, the least important columns are left out', () => {
  expect(renderTable(columns, rows, 30, style)).toEqual([
    'NAME                 SIZE',
    'ubuntu-24.04-server     5',
    'd                    1234',
  ]);
});

test('if there still is no room, texts are cut', () => {
  expect(renderTable(columns, rows, 16, style)).toEqual([
    'NAME        SIZE',
    'ubuntu-24…     5',
    'd           1234',
  ]);
});

test.each([20, 40, 60, 80, 120])('no line is wider than %d columns', (width) => {
  for (const line of renderTable(columns, rows, width, style)) {
    expect(widthOfText(line)).toBeLessThanOrEqual(width);
  }
});

test('names cannot steer the terminal', () => {
  const evil: Row = { name: '\x1b[2J\x1b]0;owned\x07a\u202eb\nc', size: 1, path: '' };
  expect(renderTable(columns, [evil], undefined, style).join('\n')).not.toMatch(/[\x00-\x09\x0b-\x1f\u202e]/);
  expect(clean('a\r\nb')).toBe('a b');
});

test('wide characters take two columns, combining ones none', () => {
  expect(widthOfText('日本')).toBe(4);
  expect(widthOfText('e\u0301')).toBe(1);
  expect(cut('日本語テンプレート', 8, style)).toBe('日本語…');
});

test('colours do not count as columns', () => {
  const color = createStyle({ unicode: true, color: true });
  const [head = ''] = renderTable(columns, rows, undefined, color);
  expect(head).toContain('\x1b[1mNAME');
  expect(paint('', 'good', color)).toBe('');
  expect(paint('x', undefined, color)).toBe('x');
});

test('without Unicode, all signs are ASCII', () => {
  const ascii = createStyle({ unicode: false, color: false });
  expect(cut('abcdefgh', 5, ascii)).toBe('abc..');
});

test('a long sentence is wrapped below its beginning, and stays in one line for a pipe', () => {
  expect(hang('one two three four', 10, '  ')).toEqual(['one two', '  three', '  four']);
  expect(hang('one two three four', undefined, '  ')).toEqual(['one two three four']);
});

test('JSON cannot steer a terminal, and its parsed values are the same', () => {
  const value = { name: 'a\x9b2J\u202eb\x1b\n' };
  const shown = shownAsJson(value);
  expect(shown).not.toMatch(/[\x7f-\x9f\u202e\x1b]/);
  expect(JSON.parse(shown)).toEqual(value);
});
