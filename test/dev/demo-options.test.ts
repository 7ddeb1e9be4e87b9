/** What `bypass demo` refuses on its command line. */
import { describe, expect, test } from '@jest/globals';
import { UsageError } from '../../cli/errors.ts';
import { checkDemoOptions } from '../../dev/demo-options.ts';

const URL_GIVEN = 'https://example.org/a.qcow2';

describe('the demo refuses', () => {
  test.each([
    ['a checksum without its image', { checksum: 'd41d8cd98f00b204e9800998ecf8427e' }, '--checksum is about'],
    ['a format without its image', { format: 'RAW' }, '--format is about the image of --url'],
    [
      'a text that is no URL',
      { url: 'image.qcow2' },
      '--url takes an address such as https://example.org/image.qcow2',
    ],
    [
      'a format that it does not know',
      { url: URL_GIVEN, format: 'VMDK' },
      '--format takes QCOW2, RAW or ISO',
    ],
    [
      'a text that is no checksum',
      { url: URL_GIVEN, checksum: '{SHA-256}12' },
      'SHA-256 takes 64 hex digits',
    ],
  ])('%s', (_what, options, sentence) => {
    const check = (): void => checkDemoOptions({ ...options, json: false });
    expect(check).toThrow(UsageError);
    expect(check).toThrow(sentence);
  });
});

test.each([
  {},
  { url: URL_GIVEN },
  { url: URL_GIVEN, format: 'raw', checksum: '{MD5}D41D8CD98F00B204E9800998ECF8427E' },
])('the demo accepts the options %j', (options) => {
  checkDemoOptions({ ...options, json: true });
});
