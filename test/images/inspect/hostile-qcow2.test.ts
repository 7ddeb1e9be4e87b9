/** Headers of qcow2 files that lie, or that lead QEMU to other files. The head alone shows it, and so does the file. */
import { evidenceOf } from '../../../images/image-refused.ts';
import { ImageError } from '../../../model/failures.ts';
import { patched, qcow2Disk } from '../../support/hostile-images.ts';
import type { DiskOptions } from '../../support/hostile-images.ts';
import { inspectStart, openInspectionLab, said } from '../../support/inspection-lab.ts';
import type { InspectionLab } from '../../support/inspection-lab.ts';

const TIB = 2n ** 40n;

let lab: InspectionLab;
beforeAll(async () => {
  lab = await openInspectionLab();
});
afterAll(() => lab.close());

const backing = (name: string): Buffer =>
  patched(qcow2Disk({ backingOffset: 512n, backingSize: name.length }).bytes, (b) => b.write(name, 512));

const made = (options: DiskOptions): Buffer => qcow2Disk(options).bytes;

const dataFile = (options: DiskOptions): Buffer =>
  made({ ...options, extensions: [{ type: 0x44415441, data: Buffer.from('/etc/passwd') }] });

const bitmapsExtension = (count: number, length: bigint, offset: bigint) => {
  const data = Buffer.alloc(24);
  data.writeUInt32BE(count, 0);
  data.writeBigUInt64BE(length, 8);
  data.writeBigUInt64BE(offset, 16);
  return { type: 0x23852875, data };
};

const HEADERS: readonly (readonly [string, RegExp, Buffer])[] = [
  ['a backing file', /has a backing file/, backing('/etc/passwd')],
  [
    'a backing file in json:',
    /has a backing file/,
    backing('json:{"driver":"file","filename":"/etc/shadow"}'),
  ],
  ['a backing file over http', /has a backing file/, backing('http://169.254.169.254/latest/meta-data')],
  ['a backing file over nbd', /has a backing file/, backing('nbd:localhost:10809')],
  ['a backing file over ssh', /has a backing file/, backing('ssh://root@localhost/etc/shadow')],
  [
    'a backing file in version 2',
    /has a backing file/,
    made({ version: 2, backingOffset: 512n, backingSize: 9 }),
  ],
  ['a backing file of no length', /has a backing file/, made({ backingOffset: 512n })],
  ['a length of a backing file without its place', /has a backing file/, made({ backingSize: 9 })],
  ['an external data file', /external data file/, dataFile({ incompatible: 4n })],
  ['an external data file that is raw', /external data file/, dataFile({ incompatible: 4n, autoclear: 2n })],
  ['an external data file by name only', /names an external data file/, dataFile({})],
  ['an external data file by flag only', /external data file/, made({ incompatible: 4n })],
  ['a raw external data file by flag only', /external data file/, made({ autoclear: 2n })],
  ['AES', /is encrypted/, made({ crypt: 1 })],
  ['LUKS', /is encrypted/, made({ crypt: 2 })],
  [
    'an encryption header',
    /is encrypted/,
    made({ extensions: [{ type: 0x0537be77, data: Buffer.alloc(16) }] }),
  ],
  ['the dirty mark', /marked dirty/, made({ incompatible: 1n })],
  ['the corrupt mark', /marked corrupt/, made({ incompatible: 2n })],
  ['an unknown feature', /unknown incompatible features \(0x20\)/, made({ incompatible: 32n })],
  ['the last unknown feature', /0x8000000000000000/, made({ incompatible: 1n << 63n })],
  ['version 1', /version 1/, made({ version: 1 })],
  ['version 9', /version 9/, made({ version: 9 })],
  ['a huge header', /header_length of 4294967288/, made({ headerLength: 0xffff_fff8 })],
  ['a header_length that is odd', /header_length of 107/, made({ headerLength: 107 })],
  ['a header_length that is too small', /header_length of 72/, made({ headerLength: 72 })],
  ['cluster_bits 63', /cluster_bits 63/, patched(made({}), (b) => b.writeUInt32BE(63, 20))],
  ['cluster_bits 8', /cluster_bits 8/, patched(made({}), (b) => b.writeUInt32BE(8, 20))],
  ['cluster_bits 22', /cluster_bits 22/, patched(made({}), (b) => b.writeUInt32BE(22, 20))],
  ['refcount_order 7', /refcount_order 7/, made({ refcountOrder: 7 })],
  ['a size of 2^63', /at most 17592186044416/, patched(made({}), (b) => b.writeBigUInt64BE(1n << 63n, 24))],
  ['a size of 0', /virtual size of 0/, patched(made({}), (b) => b.writeBigUInt64BE(0n, 24))],
  ['an L1 table of 0x7fffffff entries', /L1 table of 2147483647/, made({ l1Size: 0x7fff_ffff })],
  [
    'an L1 table too small for the disk',
    /too small for its virtual size/,
    made({ virtualSize: TIB, l1Size: 1 }),
  ],
  ['an L1 table that is not aligned', /L1 table that is not aligned/, made({ l1Offset: 0x30200n })],
  ['an L1 table beyond the end', /L1 table beyond the end/, made({ l1Offset: 1n << 40n })],
  ['an L1 table over the header', /L1 table over its own header/, made({ l1Offset: 0n })],
  ['a huge refcount table', /refcount table of/, made({ refcountClusters: 0xffff_ffff })],
  ['no refcount table', /no refcount table/, made({ refcountClusters: 0 })],
  ['a refcount table beyond the end', /refcount table beyond/, made({ refcountOffset: 1n << 40n })],
  ['0x7fffffff snapshots', /2147483647 internal snapshots/, made({ snapshots: 0x7fff_ffff })],
  ['one snapshot', /holds 1 internal snapshot$/, made({ snapshots: 1 })],
  ['a list of no snapshots that is nowhere', /snapshot table/, patched(made({}), (b) => b.writeUInt8(9, 71))],
  ['an unknown compression', /unknown compression type 2/, made({ incompatible: 8n, compressionType: 2 })],
  ['a compression without its flag', /unknown compression type 1/, made({ compressionType: 1 })],
  ['a flag without its compression', /unknown compression type 0/, made({ incompatible: 8n })],
  [
    'subclusters in small clusters',
    /subclusters in clusters of 4096/,
    made({ incompatible: 16n, clusterBits: 12 }),
  ],
  [
    'an extension that runs out of its cluster',
    /runs out of its first cluster/,
    patched(made({ extensions: [{ type: 1, data: Buffer.alloc(8) }] }), (b) =>
      b.writeUInt32BE(0xffff_ffff, 116),
    ),
  ],
  [
    'an end of its extensions that is long',
    /runs out/,
    patched(made({}), (b) => b.writeUInt32BE(1 << 30, 116)),
  ],
  [
    'an extension twice',
    /two header extensions/,
    made({ extensions: [1, 2, 1].map((type) => ({ type, data: Buffer.alloc(8) })) }),
  ],
  [
    'extensions beyond all that is looked at',
    /header extensions without an end|runs out/,
    made({ clusterBits: 21, extensions: [{ type: 1, data: Buffer.alloc(65_536 - 112 - 8) }] }),
  ],
  [
    'dirty bitmaps',
    /holds dirty bitmaps/,
    made({ autoclear: 1n, extensions: [bitmapsExtension(1, 24n, 0x30000n)] }),
  ],
  ['dirty bitmaps by flag only', /dirty bitmaps, but has none/, made({ autoclear: 1n })],
];

describe('a qcow2 header with', () => {
  it.each(HEADERS)('%s is refused', async (_, reason, bytes) => {
    const verdict = await lab.judge(bytes, 'QCOW2');
    expect(said(verdict)).toMatch(/^HostileImage: the qcow2 image /);
    expect(said(verdict)).toMatch(reason);
    expect(() => inspectStart(bytes, 'QCOW2')).toThrow(reason);
  });

  // The files have a few MiB only; QEMU takes each of them.
  it.each([
    ['1 PiB', 2n ** 50n],
    ['8 PiB', 2n ** 53n],
    ['63 PiB', 63n * 2n ** 50n],
    ['1 EiB', 2n ** 60n],
  ])('a virtual size of %s is refused by policy', (_, virtualSize) => {
    const bytes = made({ clusterBits: 21, virtualSize: 2n ** 30n });
    bytes.writeBigUInt64BE(virtualSize, 24);
    bytes.writeUInt32BE(4 * 1_048_576, 36);
    expect(() => inspectStart(bytes, 'QCOW2')).toThrow(/virtual size of \d+ bytes; at most 17592186044416/);
  });

  it('a virtual size over the setting is refused, one at it is taken', async () => {
    const bytes = made({});
    const limit = 64 * 1_048_576;
    expect(said(await lab.judge(bytes, 'QCOW2', { maxVirtualSize: limit }))).toBe('accepted');
    expect(said(await lab.judge(bytes, 'QCOW2', { maxVirtualSize: limit - 1 }))).toMatch(/at most 67108863/);
  });

  it('a name table, an unknown extension and unknown compatible bits is taken', async () => {
    const bytes = made({
      autoclear: 1n << 40n,
      extensions: [
        { type: 0x6803f857, data: Buffer.alloc(48) },
        { type: 0x12345678, data: Buffer.alloc(3) },
      ],
    });
    bytes.writeBigUInt64BE(0xff00n, 80);
    expect(said(await lab.judge(bytes, 'QCOW2'))).toBe('accepted');
  });

  it('a version 2 whose later bytes would be features is taken', async () => {
    expect(said(await lab.judge(made({ version: 2 }), 'QCOW2'))).toBe('accepted');
  });
});

describe('evidence', () => {
  it('of an image that is taken', async () => {
    expect(await lab.judge(made({}), 'QCOW2')).toMatchObject({
      facts: {
        format: 'QCOW2',
        virtualSize: 67_108_864,
        evidence: {
          looked: 'file',
          found: ['qcow2'],
          qcow2: {
            version: 3,
            clusterSize: 65_536,
            refcountBits: 16,
            compression: 'zlib',
            features: [],
            tables: { l2Tables: 1, dataClusters: 1, compressedClusters: 0, zeroClusters: 0 },
          },
        },
      },
    });
  });

  it('is found in a failure that was wrapped', () => {
    const failure = caught(() => inspectStart(made({ crypt: 1 }), 'QCOW2'));
    const wrapped = new Error('attempt 3', {
      cause: new ImageError('HostileImage', 'no', { cause: failure }),
    });
    expect(evidenceOf(wrapped)).toMatchObject({ looked: 'head', qcow2: { features: ['encryption'] } });
    expect(evidenceOf(new Error('something else'))).toBeUndefined();
  });

  it('of an image that is refused, and it is plain data', async () => {
    const bytes = made({ incompatible: 0x87n, autoclear: 3n, backingOffset: 512n, crypt: 2 });
    const verdict = await lab.judge(bytes, 'QCOW2');
    expect(verdict).toMatchObject({
      accepted: false,
      evidence: {
        qcow2: {
          features: [
            'backing file',
            'encryption',
            'dirty',
            'corrupt',
            'external data file',
            'incompatible bit 7',
            'dirty bitmaps',
            'raw external data file',
          ],
        },
      },
    });
    expect(JSON.parse(JSON.stringify(verdict))).toEqual(verdict);
  });
});

function caught(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}
