import { HeaderSyntaxError, isHeaderDetail, parseHeaderDetail } from '../../model/headers.ts';

const headersOf = (details: Readonly<Record<string, string>>) =>
  Object.entries(details)
    .filter(([key]) => isHeaderDetail(key))
    .map(([key, value]) => parseHeaderDetail(key, value));

describe('DirectDownloadManagerImplTest: headers from details', () => {
  test('testGetHeadersFromDetailsHttpHeaders (14)', () => {
    expect(
      headersOf({
        'HTTP_HEADER:X-Auth': 'one',
        'HTTP_HEADER:X-Other': 'two: three',
        rootDiskController: 'virtio',
      }),
    ).toEqual([
      { name: 'X-Auth', value: 'one' },
      { name: 'X-Other', value: 'two: three' },
    ]);
  });

  test('testGetHeadersFromDetailsNonHttpHeaders (15)', () => {
    expect(headersOf({ rootDiskController: 'virtio', HTTP_HEADERS: 'a:b', http_header: 'a:b' })).toEqual([]);
  });
});

describe('a header detail', () => {
  test('is read in both spellings', () => {
    expect(parseHeaderDetail('HTTP_HEADER', 'Authorization: Bearer a:b')).toEqual({
      name: 'Authorization',
      value: 'Bearer a:b',
    });
  });

  test.each([
    ['HTTP_HEADER', 'no colon', 'must be NAME:VALUE'],
    ['HTTP_HEADER', ': value', 'must be NAME:VALUE'],
    ['HTTP_HEADER:', 'value', 'must be NAME:VALUE'],
    ['HTTP_HEADER:X Y', 'value', "'X Y' is not the name"],
    ['HTTP_HEADER:X\r\nEvil', 'value', 'is not the name'],
    ['HTTP_HEADER:X', 'a\r\nEvil: b', 'control character, a line break'],
    ['HTTP_HEADER:X', 'caf\u0113', 'control character, a line break'],
    ['HTTP_HEADER:Range', 'bytes=0-1', 'set by the download itself'],
    ['HTTP_HEADER', 'hOSt: example.org', 'set by the download itself'],
    ['HTTP_HEADER:X', 'a\0b', 'control character'],
    ['HTTP_HEADER:X', 'caf\u00e9', 'not ASCII'],
    ['HTTP_HEADER:X\u00e9', 'a', 'is not the name'],
    ['HTTP_HEADER::authority', 'a', 'is not the name'],
    ['HTTP_HEADER:X', 'a'.repeat(4097), 'longer than 4096'],
  ])("'%s' = '%s' is refused", (key, value, sentence) => {
    expect(() => parseHeaderDetail(key, value)).toThrow(HeaderSyntaxError);
    expect(() => parseHeaderDetail(key, value)).toThrow(sentence);
  });

  test.each(
    (
      'Host Content-Length Transfer-Encoding Range If-Range If-Match If-None-Match If-Modified-Since Connection ' +
      'Keep-Alive TE Trailer Expect Upgrade Accept-Encoding Proxy-Authorization Proxy-Connection Content-Encoding ' +
      'X-Forwarded-For Via'
    ).split(' '),
  )('%s belongs to the download', (name) => {
    for (const spelling of [name, name.toLowerCase(), name.toUpperCase()]) {
      expect(() => parseHeaderDetail(`HTTP_HEADER:${spelling}`, 'x')).toThrow('set by the download itself');
    }
  });

  test('never shows its value in an error', () => {
    expect(() => parseHeaderDetail('HTTP_HEADER:X-Token', 'secret\n')).not.toThrow();
    expect(() => parseHeaderDetail('HTTP_HEADER:X-Token', 'sec\nret')).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('ret\n') as string }) as Error,
    );
  });
});
