/** What the registration form recognises in its input: checksums, formats, names. */
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
])(
  '%i hexadecimal digits are recognised as a checksum of %s, with or without a prefix',
  (length, algorithm) => {
    const hex = 'aB'.repeat(length / 2);
    const value = `{${algorithm}}${hex.toLowerCase()}`;
    expect(recogniseChecksum(` ${hex}\n`)).toEqual({ algorithm, value });
    for (const prefix of [
      `{${algorithm}}`,
      `{${algorithm.toLowerCase()}} `,
      `${algorithm.replace('-', '')}:`,
    ])
      expect(recogniseChecksum(`${prefix}${hex}`)).toEqual({ algorithm, value });
  },
);

test.each(['', 'abc', 'g'.repeat(64), `{MD5}${'a'.repeat(64)}`])(
  "'%s' is not recognised as a checksum",
  (text) => {
    expect(recogniseChecksum(text)).toBeUndefined();
  },
);

test.each([
  ['https://example.org/debian-12.qcow2', 'QCOW2'],
  ['https://example.org/DEBIAN.QCOW2.XZ?token=a.raw', 'QCOW2'],
  ['https://example.org/ubuntu.img', 'QCOW2'],
  ['https://example.org/disk.raw.gz#part', 'RAW'],
  ['https://example.org/disk.raw.meta4', 'RAW'],
  ['https://example.org/', undefined],
  ['', undefined],
])('the format guessed of %s is %s', (url, format) => {
  expect(guessFormat(url)).toBe(format);
});

test.each([
  ['7', 7],
  ['0', 1],
  ['-1', 1],
  ['1e3', 1],
  ['9999999', 1],
  [null, 1],
])('the page number %s in an address is read as %i', (text, page) => {
  expect(parseAsPage(text)).toBe(page);
});
