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

test('a table is as wide as what it holds, numbers to the right', () => {
  expect(renderTable(columns, rows, undefined, style)).toEqual([
    'NAME                 SIZE  PATH',
    'ubuntu-24.04-server     5  /var/lib/bypass/pools/local-1',
    'd                    1234  /x',
  ]);
});

test('where there is no room, what is least important is left out', () => {
  expect(renderTable(columns, rows, 30, style)).toEqual([
    'NAME                 SIZE',
    'ubuntu-24.04-server     5',
    'd                    1234',
  ]);
});

test('where there is still no room, texts are cut', () => {
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

test('colours are around texts and do not count', () => {
  const color = createStyle({ unicode: true, color: true });
  const [head = ''] = renderTable(columns, rows, undefined, color);
  expect(head).toContain('\x1b[1mNAME');
  expect(paint('', 'good', color)).toBe('');
  expect(paint('x', undefined, color)).toBe('x');
});

test('without Unicode, signs are ASCII', () => {
  const ascii = createStyle({ unicode: false, color: false });
  expect(cut('abcdefgh', 5, ascii)).toBe('abc..');
});

test('a long sentence goes on under its beginning, and is left whole for a pipe', () => {
  expect(hang('one two three four', 10, '  ')).toEqual(['one two', '  three', '  four']);
  expect(hang('one two three four', undefined, '  ')).toEqual(['one two three four']);
});
