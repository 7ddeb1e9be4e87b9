import { parseQcow2, VIRTUAL_SIZE_OFFSET } from '../../../images/inspect/qcow2.ts';
import { qcow2Header, qcow2Image } from '../../support/images.ts';
import type { Qcow2Options } from '../../support/images.ts';

describe('QCOW2UtilsTest', () => {
  test('the virtual size stands at offset 24 (38)', () => {
    expect(VIRTUAL_SIZE_OFFSET).toBe(24);
    const header = qcow2Header();
    header.writeBigUInt64BE(123_456n, VIRTUAL_SIZE_OFFSET);
    expect(parseQcow2(header).virtualSize).toBe(123_456);
  });

  test('21474836480 is read from a version 2 header of 72 bytes (39)', () => {
    const header = qcow2Header({ version: 2, virtualSize: 21_474_836_480n, l1Size: 40 });
    expect(header).toHaveLength(72);
    expect(parseQcow2(header)).toMatchObject({
      version: 2,
      virtualSize: 21_474_836_480,
      clusterSize: 65_536,
      compression: 'zlib',
      snapshots: 0,
    });
  });
});

describe('a qcow2 header that is accepted', () => {
  test.each<[string, Qcow2Options, object]>([
    ['the plain one', {}, { version: 3, compression: 'zlib' }],
    ['zstd compression', { incompatible: 8n, compressionType: 1 }, { compression: 'zstd' }],
    ['extended L2 entries', { incompatible: 16n, l1Size: 1 }, { virtualSize: 1_048_576 }],
    ['a header of 104 bytes', { headerLength: 104 }, { compression: 'zlib' }],
    ['the smallest clusters', { clusterBits: 9, virtualSize: 32_768n }, { clusterSize: 512 }],
    [
      'a feature name table',
      { extensions: [{ type: 0x68_03_f8_57, data: Buffer.from('name') }] },
      { version: 3 },
    ],
    [
      'an end of extensions, with anything behind it',
      {
        extensions: [
          { type: 0, data: Buffer.alloc(0) },
          { type: 0x44_41_54_41, data: Buffer.from('/etc/passwd') },
        ],
      },
      { version: 3 },
    ],
  ])('%s', (_name, options, expected) => {
    expect(parseQcow2(qcow2Header(options))).toMatchObject(expected);
  });

  test('a whole image, whose parts beyond the header are checked', () => {
    const image = qcow2Image();
    expect(parseQcow2(image.subarray(0, 65_536), image.length).virtualSize).toBe(1_048_576);
  });

  test('internal snapshots where they are allowed', () => {
    const header = qcow2Header({ snapshots: 2, snapshotsOffset: 0x40000n });
    expect(parseQcow2(header, undefined, { allowSnapshots: true }).snapshots).toBe(2);
  });
});

describe('a qcow2 header that is refused', () => {
  test.each<[string, Qcow2Options, string]>([
    ['a backing file', { backingOffset: 1024n, backingSize: 11 }, 'has a backing file'],
    ['a backing file without a length', { backingOffset: 1024n }, 'has a backing file'],
    ['a backing file without a place', { backingSize: 11 }, 'has a backing file'],
    ['a backing file in version 2', { version: 2, backingOffset: 1024n }, 'has a backing file'],
    ['encryption', { crypt: 2 }, 'is encrypted'],
    ['an external data file', { incompatible: 4n }, 'external data file'],
    ['raw external data', { autoclear: 2n }, 'external data file'],
    [
      'the name of an external data file',
      { extensions: [{ type: 0x44_41_54_41, data: Buffer.from('/etc/passwd') }] },
      'names an external data file',
    ],
    [
      'that name behind another extension',
      {
        extensions: [
          { type: 0x68_03_f8_57, data: Buffer.alloc(48) },
          { type: 0x44_41_54_41, data: Buffer.from('x') },
        ],
      },
      'names an external data file',
    ],
    ['a LUKS header', { extensions: [{ type: 0x05_37_be_77, data: Buffer.alloc(16) }] }, 'is encrypted'],
    ['the dirty bit', { incompatible: 1n }, 'is marked dirty'],
    ['the corrupt bit', { incompatible: 2n }, 'is marked corrupt'],
    ['an unknown incompatible feature', { incompatible: 32n }, 'unknown incompatible features (0x20)'],
    ['the highest feature bit', { incompatible: 1n << 63n }, 'unknown incompatible features'],
    ['version 1', { version: 1 }, 'has version 1; 2 and 3 are known'],
    ['version 4', { version: 4 }, 'has version 4'],
    ['tiny clusters', { clusterBits: 8 }, 'cluster_bits 8'],
    ['huge clusters', { clusterBits: 22 }, 'cluster_bits 22'],
    ['no bytes for a VM', { virtualSize: 0n }, 'virtual size of 0 bytes'],
    ['more bytes than allowed', { virtualSize: 2n ** 45n, l1Size: 4_194_304 }, 'at most 17592186044416'],
    ['the most bytes there are', { virtualSize: 2n ** 64n - 1n }, 'virtual size of 18446744073709551615'],
    ['an L1 table too small', { virtualSize: 2n ** 30n, l1Size: 1 }, 'L1 table too small'],
    ['an L1 table too big', { l1Size: 4_194_305 }, 'L1 table of 4194305 entries'],
    ['an L1 table off the clusters', { l1Offset: 513n }, 'L1 table that is not aligned'],
    ['refcounts off the clusters', { refcountOffset: 1n }, 'refcount table that is not aligned'],
    ['a refcount table too big', { refcountClusters: 129 }, 'refcount table of 8454144 bytes'],
    ['snapshots', { snapshots: 1 }, 'holds 1 internal snapshot'],
    ['an impossible refcount order', { refcountOrder: 7 }, 'refcount_order 7'],
    ['a short header length', { headerLength: 96 }, 'impossible header_length of 96'],
    ['an odd header length', { headerLength: 109 }, 'impossible header_length of 109'],
    ['a header longer than the file', { headerLength: 4096 }, 'impossible header_length of 4096'],
    ['a compression type without its bit', { compressionType: 1 }, 'unknown compression type 1'],
    ['a compression bit without a type', { incompatible: 8n }, 'unknown compression type 0'],
    ['an unknown compression type', { incompatible: 8n, compressionType: 2 }, 'unknown compression type 2'],
  ])('for %s', (_name, options, sentence) => {
    expect(() => parseQcow2(qcow2Header(options))).toThrow(
      expect.objectContaining({
        kind: 'HostileImage',
        message: expect.stringContaining(sentence) as string,
      }) as Error,
    );
  });

  test('for an extension that runs out of its cluster', () => {
    const header = qcow2Header({ extensions: [{ type: 7, data: Buffer.alloc(8) }] });
    header.writeUInt32BE(0xff_ff_ff_f0, 116);
    expect(() => parseQcow2(header)).toThrow('runs out of its first cluster');
  });

  test('for a truncated file', () => {
    const image = qcow2Image();
    expect(() => parseQcow2(image.subarray(0, 65_536), 0x30000)).toThrow(
      'L1 table beyond the end of the file',
    );
    expect(() => parseQcow2(image.subarray(0, 65_536), 0x18000)).toThrow('beyond the end of the file');
  });

  test.each([0, 4, 71])('for a header of only %i bytes', (length) => {
    expect(() => parseQcow2(qcow2Header({ version: 2 }).subarray(0, length))).toThrow('has no whole header');
  });

  test('for a wrong magic', () => {
    const header = qcow2Header();
    header.write('QFIX', 0, 'latin1');
    expect(() => parseQcow2(header)).toThrow('has no whole header');
  });

  test('never by another error, whatever bytes follow the magic', () => {
    for (let seed = 0; seed < 2000; seed += 1) {
      const header = qcow2Header();
      // A different pair of bytes is changed each time.
      header[4 + ((seed * 7) % 108)] = (seed * 131) % 256;
      header[4 + ((seed * 13) % 108)] = (seed * 17) % 256;
      try {
        parseQcow2(header);
      } catch (error) {
        expect(error).toMatchObject({ kind: 'HostileImage' });
      }
    }
  });
});
