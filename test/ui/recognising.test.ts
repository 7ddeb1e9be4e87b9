/** What the form to register recognises in what is typed. */
import { parseAsPage } from '../../ui/elements/page-number.ts';
import { recogniseChecksum } from '../../ui/register/checksum.ts';
import { guessFormat } from '../../ui/register/format.ts';

test.each([
  [32, 'MD5'],
  [40, 'SHA-1'],
  [56, 'SHA-224'],
  [64, 'SHA-256'],
  [96, 'SHA-384'],
  [128, 'SHA-512'],
])('%i hexadecimal digits are %s', (length, algorithm) => {
  const hex = 'aB'.repeat(length / 2);
  const value = `{${algorithm}}${hex.toLowerCase()}`;
  expect(recogniseChecksum(` ${hex}\n`)).toEqual({ algorithm, value });
  expect(recogniseChecksum(`{${algorithm}}${hex}`)).toEqual({ algorithm, value });
});

test.each(['', 'abc', 'g'.repeat(64), `{MD5}${'a'.repeat(64)}`])("'%s' is no checksum", (text) => {
  expect(recogniseChecksum(text)).toBeUndefined();
});

test.each([
  ['https://example.org/debian-12.qcow2', 'QCOW2'],
  ['https://example.org/DEBIAN.QCOW2.XZ?token=a.raw', 'QCOW2'],
  ['https://example.org/ubuntu.img', 'QCOW2'],
  ['https://example.org/disk.raw.gz#part', 'RAW'],
  ['https://example.org/disk.raw.meta4', 'RAW'],
  ['https://example.org/', undefined],
  ['', undefined],
])('%s is %s', (url, format) => {
  expect(guessFormat(url)).toBe(format);
});

test.each([
  ['7', 7],
  ['0', 1],
  ['-1', 1],
  ['1e3', 1],
  ['9999999', 1],
  [null, 1],
])('page %s of an address is page %i', (text, page) => {
  expect(parseAsPage(text)).toBe(page);
});
