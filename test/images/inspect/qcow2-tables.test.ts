/** Tables of qcow2 files that lead astray: only the complete file shows it. */
import { open, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ClusterWindow, WINDOW } from '../../../images/inspect/cluster-window.ts';
import type { InspectionLimits } from '../../../images/inspect/limits.ts';
import { COMPRESSED, compressedEntry, COPIED, patched, qcow2Disk } from '../../support/hostile-images.ts';
import type { Disk, DiskOptions } from '../../support/hostile-images.ts';
import { inspectStart, openInspectionLab, said } from '../../support/inspection-lab.ts';
import type { InspectionLab } from '../../support/inspection-lab.ts';

const GUEST = [
  { index: 0, kind: 'data' },
  { index: 1, kind: 'compressed' },
  { index: 2, kind: 'zero' },
  { index: 5, kind: 'data' },
] as const;

let lab: InspectionLab;
beforeAll(async () => {
  lab = await openInspectionLab();
});
afterAll(() => lab.close());

describe('a disk with data, compressed and zero clusters', () => {
  it.each<readonly [string, DiskOptions]>([
    ['of 512 byte clusters', { clusterBits: 9, virtualSize: 65_536n }],
    ['of 4 KiB clusters', { clusterBits: 12 }],
    ['of 64 KiB clusters', {}],
    ['of 2 MiB clusters', { clusterBits: 21 }],
    ['with subclusters', { extendedL2: true }],
    ['with subclusters in the smallest clusters', { extendedL2: true, clusterBits: 14 }],
    ['with zstd', { incompatible: 8n, compressionType: 1 }],
    ['of version 2', { version: 2, guest: GUEST.filter(({ kind }) => kind !== 'zero') }],
  ])('%s is taken', async (_, options) => {
    const disk = qcow2Disk({ guest: GUEST, ...options });
    const verdict = await lab.judge(disk.bytes, 'QCOW2');
    expect(said(verdict)).toBe('accepted');
    const zeroClusters = options.version === 2 ? 0 : 1;
    expect(verdict).toMatchObject({
      facts: { evidence: { qcow2: { tables: { dataClusters: 2, compressedClusters: 1, zeroClusters } } } },
    });
  });

  it('may end within its last cluster, but not before it', async () => {
    const { bytes, clusterSize } = qcow2Disk({ guest: GUEST });
    const last = bytes.length - clusterSize;
    expect(said(await lab.judge(bytes.subarray(0, last + 512), 'QCOW2'))).toBe('accepted');
    expect(said(await lab.judge(bytes.subarray(0, last), 'QCOW2'))).toMatch(
      /data beyond the end .* cut short/,
    );
  });

  it('is refused wherever else it is cut', async () => {
    const { bytes, clusterSize } = qcow2Disk({ guest: GUEST, clusterBits: 12 });
    for (let length = 512; length <= bytes.length - clusterSize; length += 512) {
      expect(said(await lab.judge(bytes.subarray(0, length), 'QCOW2'))).toMatch(/^HostileImage/);
    }
  });
});

const disk = qcow2Disk({ guest: GUEST });
const extended = qcow2Disk({ guest: GUEST, extendedL2: true });
const v2 = qcow2Disk({ version: 2 });
const data = disk.data.get(0) ?? 0;
const l2 = disk.l2.get(0) ?? 0;

const entry = (value: bigint, from: Disk = disk, guest = 0): Buffer =>
  patched(from.bytes, (b) => b.writeBigUInt64BE(value, from.entry(guest)));
const l1Entry = (value: bigint, index = 0): Buffer =>
  patched(disk.bytes, (b) => b.writeBigUInt64BE(value, disk.l1 + index * 8));
const subclusters = (zero: number, allocated: number, guest = 0): Buffer =>
  patched(extended.bytes, (b) => {
    b.writeUInt32BE(zero, extended.entry(guest) + 8);
    b.writeUInt32BE(allocated, extended.entry(guest) + 12);
  });
const count = (cluster: number, value: number): Buffer =>
  patched(disk.bytes, (b) => b.writeUInt16BE(value, disk.count(cluster)));
const block = (value: bigint, index = 0): Buffer =>
  patched(disk.bytes, (b) => b.writeBigUInt64BE(value, disk.refcountTable + index * 8));

const BEYOND = BigInt(disk.bytes.length);

const SPOILT: readonly (readonly [string, RegExp, Buffer])[] = [
  ['data beyond the end', /data beyond the end/, entry(COPIED | BEYOND)],
  ['data far beyond the end', /data beyond the end/, entry(COPIED | 0x00ff_ffff_ffff_0000n)],
  ['preallocated zeros beyond the end', /data beyond the end/, entry(1n | COPIED | BEYOND)],
  ['data that is not aligned', /cluster that is not aligned/, entry(COPIED | BigInt(data + 512))],
  ['reserved bits in an L2 entry', /L2 entry with reserved bits/, entry(COPIED | BigInt(data) | 2n)],
  [
    'high reserved bits in an L2 entry',
    /L2 entry with reserved bits/,
    entry(COPIED | BigInt(data) | (1n << 56n)),
  ],
  ['a zero mark in version 2', /L2 entry with reserved bits/, entry(1n, v2)],
  ['a zero mark among subclusters', /L2 entry with reserved bits/, entry(1n, extended)],
  ['the header in its disk', /its own header into the disk/, entry(COPIED)],
  ['its L1 table in its disk', /its own tables into the disk/, entry(COPIED | BigInt(disk.l1))],
  ['its L2 table in its disk', /its own tables into the disk/, entry(COPIED | BigInt(l2))],
  ['its refcount table in its disk', /its own tables/, entry(COPIED | BigInt(disk.refcountTable))],
  ['its refcounts in its disk', /its own tables/, entry(BigInt(disk.refcountBlock))],
  ['its L1 table as preallocated zeros', /its own tables/, entry(1n | BigInt(disk.l1))],
  ['its L1 table as compressed data', /its own tables/, entry(compressedEntry(disk.l1 + 9, 99, 65_536))],
  ['its header as compressed data', /its own tables/, entry(compressedEntry(100, 99, 65_536))],
  ['compressed data at 0', /its own header/, entry(COMPRESSED)],
  [
    'compressed data beyond the end',
    /data beyond the end/,
    entry(compressedEntry(disk.bytes.length, 99, 65_536)),
  ],
  ['compressed data far beyond the end', /data beyond/, entry(COMPRESSED | 0x003f_ffff_ffff_fff0n)],
  ['compressed data to write in place', /written in place/, entry(COPIED | COMPRESSED | BigInt(data))],
  ['a subcluster that is zero and data', /zero and data at once/, subclusters(1, 1)],
  ['subclusters of compressed data', /compressed cluster with subclusters/, subclusters(0, 1, 1)],
  ['subclusters that are nowhere', /cluster that is nowhere/, subclusters(0, 1, 2)],
  ['an L2 table beyond the end', /L2 table beyond the end/, l1Entry(COPIED | BEYOND)],
  ['an L2 table partly beyond the end', /L2 table beyond/, l1Entry(COPIED | BEYOND).subarray(0, -1)],
  ['an L2 table that is not aligned', /L2 table that is not aligned/, l1Entry(COPIED | BigInt(l2 + 512))],
  ['reserved bits in an L1 entry', /L1 entry with reserved bits/, l1Entry(COPIED | BigInt(l2) | 1n)],
  ['high reserved bits in an L1 entry', /L1 entry with reserved bits/, l1Entry(BigInt(l2) | (1n << 60n))],
  ['an L1 entry to its header', /L1 entry that leads to its header/, l1Entry(COPIED)],
  ['its L1 table as L2 table', /L2 table where another table lies/, l1Entry(COPIED | BigInt(disk.l1))],
  ['its refcounts as L2 table', /L2 table where another/, l1Entry(COPIED | BigInt(disk.refcountBlock))],
  [
    'one L2 table twice',
    /L2 table where another table lies/,
    patched(qcow2Disk({ virtualSize: 2n ** 30n }).bytes, (b) => b.copy(b, 0x30008, 0x30000, 0x30008)),
  ],
  [
    'an L1 table over the refcount table',
    /refcount table where another/,
    header(40, BigInt(disk.refcountTable)),
  ],
  [
    'a refcount table in its L1 table',
    /L1 table where another|refcount table where/,
    header(48, BigInt(disk.l1)),
  ],
  ['a refcount block beyond the end', /refcount block beyond/, block(BEYOND)],
  ['a refcount block that is not aligned', /refcount block that is not aligned/, block(0x20200n)],
  ['a refcount block at its header', /refcount block|broken/, block(1n)],
  ['a refcount block twice', /refcount block where another/, block(BigInt(disk.refcountBlock), 1)],
  ['a refcount block over its L1 table', /refcount block where another/, block(BigInt(disk.l1), 1)],
  ['no refcounts at all', /refcounts are broken/, block(0n)],
  ['a count of 0 for data', /counts 0 users of cluster 5, which has 1/, count(data / 65_536, 0)],
  ['a count of 0 for its L2 table', /counts 0 users of cluster 4/, count(l2 / 65_536, 0)],
  ['a count of 0 for its header', /counts 0 users of cluster 0/, count(0, 0)],
  ['a count of 2 for data to write in place', /2 users of cluster 5, but says one/, count(data / 65_536, 2)],
  ['one cluster for two', /counts 1 users of cluster 5, which has 2/, entry(COPIED | BigInt(data), disk, 5)],
];

function header(at: number, value: bigint): Buffer {
  return patched(disk.bytes, (b) => b.writeBigUInt64BE(value, at));
}

describe('a qcow2 image with', () => {
  it.each(SPOILT)('%s is refused', async (_, reason, bytes) => {
    const verdict = await lab.judge(bytes, 'QCOW2');
    expect(said(verdict)).toMatch(/^HostileImage: the qcow2 image /);
    expect(said(verdict)).toMatch(reason);
  });

  it.each([
    ['leaked clusters', count(100, 1)],
    ['one cluster for two, and both say so', twice()],
    ['zeros that have a place', entry(1n | COPIED | BigInt(data))],
    ['data that does not say that it is alone', entry(BigInt(data))],
    ['subclusters of which some are data', subclusters(0xffff_0000, 0x0000_ffff)],
  ])('%s is taken', async (_, bytes) => {
    expect(said(await lab.judge(bytes, 'QCOW2'))).toBe('accepted');
  });

  it.each([0, 1, 2, 3, 4, 5, 6])('counts of 2^%i bits is read', async (refcountOrder) => {
    const made = qcow2Disk({ refcountOrder, clusterBits: 12 });
    made.bytes.fill(0, made.refcountBlock, made.refcountBlock + made.clusterSize);
    const bits = 2 ** refcountOrder;
    const clusters = made.bytes.length / made.clusterSize;
    const write = (cluster: number): void => {
      if (bits >= 8) made.bytes.writeUInt8(1, made.refcountBlock + ((cluster + 1) * bits) / 8 - 1);
      else {
        const at = made.refcountBlock + Math.floor((cluster * bits) / 8);
        made.bytes.writeUInt8(made.bytes.readUInt8(at) | (1 << ((cluster * bits) % 8)), at);
      }
    };
    for (let cluster = 0; cluster < clusters - 1; cluster += 1) write(cluster);
    expect(said(await lab.judge(made.bytes, 'QCOW2'))).toMatch(/counts 0 users of cluster \d+, which has 1/);
    write(clusters - 1);
    expect(said(await lab.judge(made.bytes, 'QCOW2'))).toBe('accepted');
  });
});

function twice(): Buffer {
  return patched(disk.bytes, (b) => {
    b.writeBigUInt64BE(BigInt(data), disk.entry(0));
    b.writeBigUInt64BE(BigInt(data), disk.entry(9));
    b.writeUInt16BE(2, disk.count(data / 65_536));
  });
}

describe('snapshots and bitmaps, where they are allowed', () => {
  const allowed: InspectionLimits = { allowSnapshots: true, allowBitmaps: true };
  const TABLE = 40;

  /** A copy of the L1 table in a cluster of its own, listed in another; the counts say two users. */
  const snapshot = (change: (bytes: Buffer) => void = () => undefined): Buffer => {
    const base = qcow2Disk({ snapshots: 1 });
    const clusters = base.bytes.length / 65_536;
    const bytes = Buffer.concat([base.bytes, Buffer.alloc(2 * 65_536)]);
    const list = clusters * 65_536;
    bytes.writeBigUInt64BE(BigInt(list), 64);
    bytes.writeBigUInt64BE(BigInt(list + 65_536), list);
    bytes.writeUInt32BE(1, list + 8);
    bytes.writeUInt16BE(1, list + 12);
    bytes.writeUInt16BE(4, list + 14);
    bytes.writeUInt32BE(16, list + 36);
    bytes.write('1base', list + TABLE + 16);
    const table = base.l2.get(0) ?? 0;
    const place = base.data.get(0) ?? 0;
    bytes.writeBigUInt64BE(BigInt(table), base.l1);
    bytes.writeBigUInt64BE(BigInt(table), list + 65_536);
    bytes.writeBigUInt64BE(BigInt(place), base.entry(0));
    for (const cluster of [table / 65_536, place / 65_536]) bytes.writeUInt16BE(2, base.count(cluster));
    for (const cluster of [clusters, clusters + 1]) bytes.writeUInt16BE(1, base.count(cluster));
    change(bytes.subarray(list));
    return bytes;
  };

  it('a snapshot is taken, and not without the setting', async () => {
    expect(said(await lab.judge(snapshot(), 'QCOW2', allowed))).toBe('accepted');
    expect(said(await lab.judge(snapshot(), 'QCOW2'))).toMatch(/holds 1 internal snapshot$/);
  });

  it.each<readonly [string, RegExp, Buffer]>([
    ['L1 table lies beyond the end', /beyond the end/, snapshot((b) => b.writeBigUInt64BE(1n << 40n, 0))],
    ['L1 table is not aligned', /not aligned/, snapshot((b) => b.writeBigUInt64BE(512n, 0))],
    [
      'L1 table is the active one',
      /where another table lies/,
      snapshot((b) => b.writeBigUInt64BE(0x30000n, 0)),
    ],
    ['L1 table is huge', /L1 table of 2147483647/, snapshot((b) => b.writeUInt32BE(0x7fff_ffff, 8))],
    ['extra data is huge', /bytes of extra data/, snapshot((b) => b.writeUInt32BE(0xffff_ffff, 36))],
    ['extra data is missing', /0 bytes of extra data/, snapshot((b) => b.writeUInt32BE(0, 36))],
    [
      'list ends beyond the file',
      /list of snapshots beyond/,
      snapshot((b) => b.writeUInt32BE(0xffff_ffff, 12)).subarray(0, -65_536),
    ],
    [
      'L2 table is another table',
      /where another table lies/,
      snapshot((b) => b.writeBigUInt64BE(0x10000n, 65_536)),
    ],
  ])('one whose %s is refused', async (_, reason, bytes) => {
    expect(said(await lab.judge(bytes, 'QCOW2', allowed))).toMatch(reason);
  });

  it('more than 256 snapshots are refused', () => {
    const bytes = qcow2Disk({ snapshots: 257 }).bytes;
    expect(() => inspectStart(bytes, 'QCOW2', allowed)).toThrow(/at most 256/);
  });
});

describe('large images', () => {
  it('one of 16 TiB with few L2 tables is sparse and quick', async () => {
    const made = qcow2Disk({ virtualSize: 16n * 2n ** 40n, guest: [{ index: 200_000_000, kind: 'data' }] });
    const path = join(lab.folder, 'sparse');
    await writeFile(path, made.bytes);
    await truncate(path, 16 * 2 ** 40 - 65_536).catch(() => truncate(path, 8 * 2 ** 40));
    expect(said(await lab.judgePath(path, 'QCOW2'))).toBe('accepted');
  });

  it('data far into a sparse file is counted in a window of its own', async () => {
    const made = qcow2Disk({ clusterBits: 12 });
    const far = 80 * 2 ** 30;
    const path = join(lab.folder, 'far');
    await writeFile(path, entry(COPIED | BigInt(far), made));
    await truncate(path, far + 4096);
    expect(said(await lab.judgePath(path, 'QCOW2'))).toMatch(/counts 0 users of cluster 20971520/);
    // A block of 2048 counts, which the table lists where it belongs.
    const file = await open(path, 'r+');
    await file.truncate(far + 8192);
    const pointer = Buffer.alloc(8);
    pointer.writeBigUInt64BE(BigInt(far + 4096));
    const index = Math.floor(far / 4096 / 2048);
    const counts = Buffer.alloc(4096);
    for (const cluster of [far / 4096, far / 4096 + 1]) counts.writeUInt16BE(1, (cluster % 2048) * 2);
    await file.write(counts, 0, 4096, far + 4096);
    // The table needs more than one cluster: it moves behind the block.
    const table = Buffer.alloc(Math.ceil((index * 8 + 8) / 4096) * 4096);
    made.bytes.copy(table, 0, made.refcountTable, made.refcountTable + 8);
    pointer.copy(table, index * 8);
    await file.write(table, 0, table.length, far + 8192);
    for (let cluster = 2; cluster < 2 + table.length / 4096; cluster += 1) {
      const at = far + 4096 + ((far / 4096 + cluster) % 2048) * 2;
      await file.write(Buffer.from([0, 1]), 0, 2, at);
    }
    const head = Buffer.alloc(12);
    head.writeBigUInt64BE(BigInt(far + 8192));
    head.writeUInt32BE(table.length / 4096, 8);
    await file.write(head, 0, 12, 48);
    await file.close();
    expect(said(await lab.judgePath(path, 'QCOW2'))).toBe('accepted');
  });
});

describe('a window of clusters', () => {
  it('has no count of clusters outside the window', () => {
    const window = new ClusterWindow(200);
    window.moveTo(100);
    expect(window.claim(99)).toBe(true);
    expect(window.claim(99)).toBe(true);
    expect(window.use(200, true)).toBe(true);
    expect([...window.usages()]).toEqual([]);
  });

  it('forgets what it counted when it moves', () => {
    const window = new ClusterWindow(2 * WINDOW);
    expect(window.claim(0)).toBe(true);
    expect(window.claim(0)).toBe(false);
    window.moveTo(WINDOW);
    expect(window.use(WINDOW + 7, true)).toBe(true);
    expect([...window.usages()]).toEqual([{ cluster: WINDOW + 7, uses: 1, inPlace: true }]);
    window.moveTo(0);
    expect([...window.usages()]).toEqual([]);
    expect(window.claim(0)).toBe(true);
  });

  it('counts uses up to a ceiling', () => {
    const window = new ClusterWindow(1);
    for (let use = 0; use < 70_000; use += 1) window.use(0, false);
    expect([...window.usages()]).toEqual([{ cluster: 0, uses: 8191, inPlace: false }]);
  });
});
