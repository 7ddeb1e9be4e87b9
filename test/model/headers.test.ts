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
  test('is read in the other spelling too', () => {
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
    ['HTTP_HEADER:X', 'a\r\nEvil: b', 'control character or line break'],
    ['HTTP_HEADER:X', 'caf\u0113', 'control character or line break'],
    ['HTTP_HEADER:Range', 'bytes=0-1', 'set by the download itself'],
    ['HTTP_HEADER', 'hOSt: example.org', 'set by the download itself'],
  ])("'%s' = '%s' is refused", (key, value, sentence) => {
    expect(() => parseHeaderDetail(key, value)).toThrow(HeaderSyntaxError);
    expect(() => parseHeaderDetail(key, value)).toThrow(sentence);
  });

  test('never shows its value in an error', () => {
    expect(() => parseHeaderDetail('HTTP_HEADER:X-Token', 'secret\n')).not.toThrow();
    expect(() => parseHeaderDetail('HTTP_HEADER:X-Token', 'sec\nret')).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('ret\n') as string }) as Error,
    );
  });
});
