import {
  algorithmFromMetalink,
  CHECKSUM_ALGORITHMS,
  ChecksumSyntaxError,
  digestName,
  formatChecksum,
  parseChecksum,
} from '../../model/checksum.ts';

const known = {
  MD5: '9e107d9d372bb6826bd81d3542a419d6',
  'SHA-1': '2fd4e1c67a2d28fced849ee1bb76e7391b93eb12',
  'SHA-256': 'd7a8fbb307d7809469ca9abcb0082e4f8d5651e46d3cdb762d02d0bf37c9e592',
} as const;

describe('DigestHelperTest: the syntax of a checksum', () => {
  test('no prefix means MD5, and has its length (34)', () => {
    expect(parseChecksum(known.MD5)).toEqual({ algorithm: 'MD5', hex: known.MD5 });
    expect(() => parseChecksum(known['SHA-256'])).toThrow(
      'MD5 takes 32 hex digits, not 64 (no {ALG} prefix means MD5)',
    );
  });

  test('an empty algorithm is none (35)', () => {
    expect(() => parseChecksum(`{}${known.MD5}`)).toThrow("algorithm '' is not one of MD5, SHA-1");
  });

  test('a digest of another algorithm has the wrong length (36)', () => {
    expect(() => parseChecksum(`{SHA-1}${known.MD5}`)).toThrow('SHA-1 takes 40 hex digits, not 32');
  });

  test.each(['', known.MD5.slice(1), `${known.MD5}0`])("'%s' has the wrong length (37)", (hex) => {
    expect(() => parseChecksum(`{MD5}${hex}`)).toThrow(ChecksumSyntaxError);
  });

  test.each([
    ['{sha-256}', 'algorithm'],
    ['{CRC32}', 'algorithm'],
    ['{SHA256}', 'algorithm'],
    ['{__proto__}', 'algorithm'],
    ['{SHA-256', 'MD5 takes 32'],
  ])("'%s…' names no algorithm", (prefix, sentence) => {
    expect(() => parseChecksum(`${prefix}${known['SHA-256']}`)).toThrow(sentence);
  });

  test('digits beyond f are no hex', () => {
    expect(() => parseChecksum(`{MD5}${'g'.repeat(32)}`)).toThrow('hex digits (0-9, a-f) only');
  });

  test('is written as it is read, in lower case', () => {
    const given = `{SHA-1}${known['SHA-1']}`;
    expect(formatChecksum(parseChecksum(` ${given.replace(/[a-f]/g, (c) => c.toUpperCase())}\n`))).toBe(
      given,
    );
  });
});

test('names of algorithms in other places', () => {
  expect(CHECKSUM_ALGORITHMS.map(digestName)).toEqual([
    'md5',
    'sha1',
    'sha224',
    'sha256',
    'sha384',
    'sha512',
  ]);
  expect(['sha-256', 'SHA256', 'sha1', ' md5 ', 'sha-3', 'crc32'].map(algorithmFromMetalink)).toEqual([
    'SHA-256',
    'SHA-256',
    'SHA-1',
    'MD5',
    undefined,
    undefined,
  ]);
});
