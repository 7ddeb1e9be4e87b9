import {
  algorithmNamed,
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
  test('no prefix means the algorithm of that length, MD5 for 32 digits (34)', () => {
    expect(parseChecksum(known.MD5)).toEqual({ algorithm: 'MD5', hex: known.MD5 });
    expect(parseChecksum(known['SHA-256'])).toEqual({ algorithm: 'SHA-256', hex: known['SHA-256'] });
    expect(() => parseChecksum(known.MD5.slice(1))).toThrow(
      '31 characters are the length of no checksum; hex digits take 32 (MD5), 40 (SHA-1), 56 (SHA-224),',
    );
  });

  test.each([
    '{SHA-256}',
    '{SHA-256} ',
    '{sha-256}',
    '{SHA256}',
    '{sha256}',
    '{ sha256 } ',
    'sha256:',
    'SHA256: ',
    'sha-256:',
    'sha256=',
    'sha2-256:',
    'sha_256:',
    '',
  ])("'%s' and its digits are a SHA-256", (prefix) => {
    expect(parseChecksum(`${prefix}${known['SHA-256']}`)).toEqual({
      algorithm: 'SHA-256',
      hex: known['SHA-256'],
    });
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
    ['{CRC32}', 'algorithm'],
    ['crc32:', 'algorithm'],
    ['{SHA3-256}', 'algorithm'],
    ['sha3-256:', 'algorithm'],
    ['{sha512/256}', 'algorithm'],
    ['{__proto__}', 'algorithm'],
    ['__proto__:', 'algorithm'],
    ['{SHA-256', 'the length of no checksum'],
    [':', "algorithm ''"],
  ])("'%s…' names no algorithm", (prefix, sentence) => {
    expect(() => parseChecksum(`${prefix}${known['SHA-256']}`)).toThrow(sentence);
  });

  test('digits beyond f are refused', () => {
    expect(() => parseChecksum(`{MD5}${'g'.repeat(32)}`)).toThrow('hex digits (0-9, a-f) only');
  });

  test('is written as it is read, in lower case', () => {
    const given = `{SHA-1}${known['SHA-1']}`;
    expect(formatChecksum(parseChecksum(` ${given.replace(/[a-f]/g, (c) => c.toUpperCase())}\n`))).toBe(
      given,
    );
  });
});

test('names of algorithms are read in the spellings of other formats', () => {
  expect(CHECKSUM_ALGORITHMS.map(digestName)).toEqual([
    'md5',
    'sha1',
    'sha224',
    'sha256',
    'sha384',
    'sha512',
  ]);
  expect(['sha-256', 'SHA256', 'sha1', ' md5 ', 'sha-3', 'crc32'].map(algorithmNamed)).toEqual([
    'SHA-256',
    'SHA-256',
    'SHA-1',
    'MD5',
    undefined,
    undefined,
  ]);
});

test('a secret that was pasted into a checksum is not repeated in the refusal', () => {
  for (const text of ['~+secret123word/=', 'abcdefgh1234:x', '{pass word}00', 'Zm9vYmFyYmF6==']) {
    expect(() => parseChecksum(text)).toThrow(/^algorithm is not one of MD5/);
  }
  expect(() => parseChecksum('{SHA-3}abc')).toThrow("algorithm 'SHA-3' is not one of");
  expect(() => parseChecksum('blake2:abc')).toThrow("algorithm 'blake2' is not one of");
});
