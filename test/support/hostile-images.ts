/** Hostile images, and complete qcow2 images to build them from, all generated during the tests. */
import { crc32, deflateRawSync } from 'node:zlib';
import { isoImage, noise, qcow2Header } from './images.ts';
import type { Qcow2Options } from './images.ts';

const MIB = 1_048_576;

/** One cluster of the disk. */
export interface GuestCluster {
  readonly index: number;
  readonly kind: 'data' | 'compressed' | 'zero';
}

export interface DiskOptions extends Qcow2Options {
  readonly guest?: readonly GuestCluster[];
  readonly extendedL2?: boolean;
}

/** Positions of the parts of a generated image, so that a test can damage one. */
export interface Disk {
  readonly bytes: Buffer;
  readonly clusterSize: number;
  readonly refcountTable: number;
  readonly refcountBlock: number;
  readonly l1: number;
  /** By L1 index. */
  readonly l2: ReadonlyMap<number, number>;
  /** By guest cluster. */
  readonly data: ReadonlyMap<number, number>;
  /** Byte of the L2 entry of a guest cluster. */
  entry(guest: number): number;
  /** Byte of the refcount (16 bits) of a cluster. */
  count(cluster: number): number;
}

const DATA: GuestCluster = { index: 0, kind: 'data' };

/** A qcow2 image with data and correct tables. */
export function qcow2Disk({ guest = [DATA], extendedL2 = false, ...options }: DiskOptions = {}): Disk {
  const clusterSize = 2 ** (options.clusterBits ?? 16);
  const entrySize = extendedL2 ? 16 : 8;
  const perL2 = clusterSize / entrySize;
  const virtualSize = Number(options.virtualSize ?? 64n * 1_048_576n);
  const l1Entries = Math.ceil(virtualSize / clusterSize / perL2);
  const l1Clusters = Math.ceil((l1Entries * 8) / clusterSize);
  // Header, refcount table, one refcount block, L1, then L2 tables and data.
  let next = 3 + l1Clusters;
  const take = (clusters = 1): number => (next += clusters) - clusters;
  const l2 = new Map<number, number>();
  for (const { index } of guest) {
    const l1Index = Math.floor(index / perL2);
    if (!l2.has(l1Index)) l2.set(l1Index, take() * clusterSize);
  }
  const places = new Map(guest.map(({ index, kind }) => [index, kind === 'zero' ? 0 : take() * clusterSize]));
  const bytes = Buffer.alloc(next * clusterSize);
  qcow2Header({
    virtualSize: BigInt(virtualSize),
    l1Size: l1Entries,
    refcountOffset: BigInt(clusterSize),
    l1Offset: BigInt(3 * clusterSize),
    ...(extendedL2 ? { incompatible: 16n } : {}),
    ...options,
  }).copy(bytes);
  bytes.writeBigUInt64BE(BigInt(2 * clusterSize), clusterSize);
  for (let cluster = 0; cluster < next; cluster += 1) bytes.writeUInt16BE(1, 2 * clusterSize + cluster * 2);
  for (const [index, offset] of l2)
    bytes.writeBigUInt64BE(COPIED | BigInt(offset), 3 * clusterSize + index * 8);
  const entry = (index: number): number =>
    (l2.get(Math.floor(index / perL2)) ?? 0) + (index % perL2) * entrySize;
  for (const cluster of guest)
    writeGuest(bytes, entry(cluster.index), cluster, places, clusterSize, extendedL2);
  return {
    bytes,
    clusterSize,
    refcountTable: clusterSize,
    refcountBlock: 2 * clusterSize,
    l1: 3 * clusterSize,
    l2,
    data: places,
    entry,
    count: (cluster) => 2 * clusterSize + cluster * 2,
  };
}

export const COPIED = 1n << 63n;
export const COMPRESSED = 1n << 62n;

function writeGuest(
  bytes: Buffer,
  at: number,
  { index, kind }: GuestCluster,
  places: ReadonlyMap<number, number>,
  clusterSize: number,
  extendedL2: boolean,
): void {
  const offset = places.get(index) ?? 0;
  if (kind === 'zero') {
    if (extendedL2) bytes.writeUInt32BE(0xffff_ffff, at + 8);
    else bytes.writeBigUInt64BE(1n, at);
  } else if (kind === 'data') {
    noise(clusterSize, index + 1).copy(bytes, offset);
    bytes.writeBigUInt64BE(COPIED | BigInt(offset), at);
    if (extendedL2) bytes.writeUInt32BE(0xffff_ffff, at + 12);
  } else {
    const packed = deflateRawSync(Buffer.alloc(clusterSize, index % 256));
    packed.copy(bytes, offset);
    bytes.writeBigUInt64BE(compressedEntry(offset, packed.length, clusterSize), at);
  }
}

export function compressedEntry(offset: number, length: number, clusterSize: number): bigint {
  const sectors = Math.floor((offset + length - 1) / 512) - Math.floor(offset / 512);
  const offsetBits = BigInt(62 - (Math.log2(clusterSize) - 8));
  return COMPRESSED | (BigInt(sectors) << offsetBits) | BigInt(offset);
}

/** A copy with some bytes changed. */
export function patched(bytes: Buffer, change: (copy: Buffer) => void): Buffer {
  const copy = Buffer.from(bytes);
  change(copy);
  return copy;
}

export interface MbrEntry {
  readonly flag?: number;
  readonly type?: number;
  readonly start?: number;
  readonly sectors?: number;
  readonly chs?: number;
}

/** A raw disk with the given entries in its MBR. */
export function mbrDisk(entries: readonly MbrEntry[], bytes = MIB): Buffer {
  const disk = noise(bytes);
  disk.fill(0, 0, 4096);
  for (const [
    index,
    { flag = 0, type = 0x83, start = 64, sectors = 64, chs = 0x000200 },
  ] of entries.entries()) {
    const at = 446 + index * 16;
    disk.writeUInt8(flag, at);
    disk.writeUIntBE(chs, at + 1, 3);
    disk.writeUInt8(type, at + 4);
    disk.writeUInt32LE(start, at + 8);
    disk.writeUInt32LE(sectors, at + 12);
  }
  disk.writeUInt16BE(0x55aa, 510);
  return disk;
}

export const protectiveEntry = (changes: MbrEntry = {}): MbrEntry => ({
  type: 0xee,
  start: 1,
  sectors: 0xffff_ffff,
  ...changes,
});

/** A raw disk with a GPT of one partition, for a disk of this size. */
export function gptDisk(bytes = MIB, madeFor = bytes, sectorSize = 512): Buffer {
  const disk = mbrDisk([protectiveEntry()], bytes);
  const sectors = madeFor / sectorSize;
  const header = Buffer.alloc(92);
  header.write('EFI PART', 'latin1');
  header.writeUInt32LE(0x10000, 8);
  header.writeUInt32LE(92, 12);
  header.writeBigUInt64LE(1n, 24);
  header.writeBigUInt64LE(BigInt(sectors - 1), 32);
  header.writeBigUInt64LE(6n, 40);
  header.writeBigUInt64LE(BigInt(sectors - 34), 48);
  header.writeBigUInt64LE(2n, 72);
  header.writeUInt32LE(4, 80);
  header.writeUInt32LE(128, 84);
  const entry = Buffer.alloc(128);
  Buffer.from('af3dc60f838472478e793d69d8477de4', 'hex').copy(entry);
  entry.writeBigUInt64LE(64n, 32);
  entry.writeBigUInt64LE(127n, 40);
  entry.write('root', 56, 'utf16le');
  const entries = Buffer.concat([entry, Buffer.alloc(3 * 128)]);
  entries.copy(disk, 2 * sectorSize);
  header.writeUInt32LE(crc32(entries), 88);
  header.writeUInt32LE(crc32(header), 16);
  header.copy(disk, sectorSize);
  return disk;
}

/**
 * A GPT disk whose MBR has entries beside the protective one; such an entry is the partition of the GPT unless
 * changed.
 */
export function hybridDisk(
  entries: readonly MbrEntry[],
  before: readonly MbrEntry[] = [protectiveEntry()],
  behind: readonly MbrEntry[] = [],
): Buffer {
  const disk = gptDisk();
  mbrDisk([...before, ...entries, ...behind]).copy(disk, 0, 0, 512);
  return disk;
}

const sector = (write: (bytes: Buffer) => void, length = 64 * 1024): Buffer => {
  const bytes = Buffer.alloc(length);
  write(bytes);
  return bytes;
};

const starts = (magic: string, length?: number): Buffer =>
  sector((bytes) => bytes.write(magic, 'latin1'), length);

/** The last sector of a VHD: fixed, or dynamic when it points at a header. */
export function vhdFooter(diskBytes: number, header?: bigint): Buffer {
  const footer = Buffer.alloc(512);
  footer.write('conectix', 'latin1');
  footer.writeUInt32BE(2, 8);
  footer.writeUInt32BE(0x10000, 12);
  footer.writeBigUInt64BE(header ?? 0xffff_ffff_ffff_ffffn, 16);
  footer.writeBigUInt64BE(BigInt(diskBytes), 40);
  footer.writeBigUInt64BE(BigInt(diskBytes), 48);
  footer.writeUInt32BE(header === undefined ? 2 : 3, 60);
  footer.writeUInt32BE(~footer.reduce((sum, byte) => sum + byte, 0) >>> 0, 64);
  return footer;
}

export const vmdkDescriptor = (extent: string, createType = 'monolithicFlat'): string =>
  `# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\ncreateType="${createType}"\n\n${extent}\n`;

function vmdkSparse(descriptor: string, gdOffset = 21n): Buffer {
  const image = Buffer.alloc(64 * 1024);
  image.write('KDMV', 'latin1');
  image.writeUInt32LE(1, 4);
  image.writeBigUInt64LE(128n, 12);
  image.writeBigUInt64LE(128n, 20);
  image.writeBigUInt64LE(1n, 28);
  image.writeBigUInt64LE(20n, 36);
  image.writeUInt32LE(512, 44);
  image.writeBigUInt64LE(gdOffset, 56);
  image.write(descriptor, 512, 'latin1');
  return image;
}

const EVIL = 'RW 100 FLAT "/etc/shadow" 0';

/** Files of formats that are never accepted, each with its name in the refusal. */
export const FOREIGN: readonly (readonly [string, RegExp, Buffer])[] = [
  [
    'vmdk, monolithicSparse',
    /VMDK/,
    vmdkSparse(vmdkDescriptor('RW 128 SPARSE "a.vmdk"', 'monolithicSparse')),
  ],
  [
    'vmdk, streamOptimized with a footer',
    /VMDK/,
    vmdkSparse(vmdkDescriptor('RW 128 SPARSE "a.vmdk"'), 2n ** 64n - 1n),
  ],
  ['vmdk, a slash in an extent', /VMDK/, vmdkSparse(vmdkDescriptor(EVIL, 'monolithicSparse'))],
  ['vmdk, several extents', /VMDK/, vmdkSparse(vmdkDescriptor(`${EVIL}\n${EVIL}`, 'twoGbMaxExtentFlat'))],
  ['vmdk, ESX sparse', /VMDK/, starts('COWD')],
  ['vmdk, a text descriptor', /VMDK/, Buffer.from(vmdkDescriptor(EVIL))],
  ['vmdk, a text descriptor without its magic', /VMDK/, Buffer.from(`# hello\n\n  \nversion=3\n${EVIL}\n`)],
  ['vmdk, a text descriptor with CR', /VMDK/, Buffer.from(`#\r\n\r\nversion=1\r\n${EVIL}\r\n`)],
  ['vmdk, a text descriptor, then zeros', /VMDK/, sector((bytes) => bytes.write(vmdkDescriptor(EVIL)))],
  ['vhd, dynamic', /VHD/, Buffer.concat([vhdFooter(MIB, 512n), Buffer.alloc(4096), vhdFooter(MIB, 512n)])],
  ['vhdx', /VHDX/, starts('vhdxfile', 320 * 1024)],
  ['vdi', /VDI/, sector((bytes) => bytes.writeUInt32LE(0xbeda107f, 0x40))],
  ['qed', /QED/, starts('QED\0')],
  ['luks 1', /LUKS/, starts('LUKS\xba\xbe\0\x01')],
  ['luks 2', /LUKS/, starts('LUKS\xba\xbe\0\x02')],
  ['parallels', /Parallels/, starts('WithoutFreeSpace')],
  ['parallels, extended', /Parallels/, starts('WithouFreSpacExt')],
  ['dmg, its trailer first', /DMG/, starts('koly\0\0\0\x04')],
  [
    'cloop',
    /cloop/,
    starts('#!/bin/sh\n#V2.0 Format\nmodprobe cloop file=$0 && mount -r -t iso9660 /dev/cloop $1\n'),
  ],
  ['bochs', /Bochs/, starts('Bochs Virtual HD Image\0')],
  ['html', /HTML page/, Buffer.from('\n <!DOCTYPE html><title>Log in</title>')],
  ['json', /JSON document/, Buffer.from('{"error":"not found"}')],
  ['json, a list', /JSON document/, Buffer.from('[{"name":"a"}]')],
  ['xml', /XML document/, Buffer.from('\ufeff<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>')],
  [
    'git-lfs',
    /Git LFS pointer/,
    Buffer.from(`version https://git-lfs.github.com/spec/v1\noid sha256:${'a'.repeat(64)}\nsize 12345\n`),
  ],
  ['text', /is a text;/, Buffer.from('Not Found\n')],
  ['text, in UTF-16', /a text/, Buffer.from('\ufeffNot found here', 'utf16le')],
  ['a list of checksums', /a text/, Buffer.from(`${'a'.repeat(64)}  disk.qcow2\n`.repeat(100))],
  ['empty', /an empty file/, Buffer.alloc(0)],
  ['1 byte', /too short for a disk \(1 byte\)/, Buffer.from([0xff])],
  ['511 bytes', /too short for a disk \(511 bytes\)/, noise(512).subarray(0, 511)],
  ['gzip', /gzip/, starts('\x1f\x8b\x08')],
  ['bzip2', /bzip2/, starts('BZh91AY&SY')],
  ['xz', /xz/, starts('\xfd7zXZ\0')],
  ['zstd', /zstd/, starts('\x28\xb5\x2f\xfd')],
  ['zip', /zip/, starts('PK\x03\x04')],
];

/** Two formats in one file, each with the names of both. */
export const POLYGLOTS: readonly (readonly [string, RegExp, Buffer])[] = [
  ['qcow2 and ISO 9660', /qcow2 disk and an ISO 9660 image at once/, withIso(qcow2Disk().bytes)],
  ['qcow2 and UDF', /qcow2 disk and a UDF/, patched(qcow2Disk().bytes, (b) => b.write('BEA01', 0x8001))],
  ['qcow2 and GPT', /qcow2 disk and a raw disk/, patched(qcow2Disk().bytes, (b) => b.write('EFI PART', 512))],
  [
    'qcow2 and MBR',
    /qcow2 disk and a raw disk/,
    patched(qcow2Disk().bytes, (b) => b.writeUInt16BE(0x55aa, 510)),
  ],
  [
    'qcow2 and VDI',
    /qcow2 disk and a VDI/,
    patched(qcow2Disk().bytes, (b) => b.writeUInt32LE(0xbeda107f, 0x40)),
  ],
  ['VMDK and ISO', /VMDK disk and an ISO/, withIso(starts('KDMV', 128 * 2048))],
  ['VHD and ISO', /VHD disk and an ISO/, withIso(starts('conectix', 128 * 2048))],
  ['LUKS and ISO', /LUKS volume and an ISO/, withIso(starts('LUKS\xba\xbe', 128 * 2048))],
  ['QED and VDI', /QED disk and a VDI/, patched(starts('QED\0'), (b) => b.writeUInt32LE(0xbeda107f, 0x40))],
  ['gzip and ISO', /ISO 9660 image and a gzip file/, withIso(starts('\x1f\x8b\x08', 128 * 2048))],
  ['HTML and ISO', /ISO 9660 image and an HTML page/, withIso(starts('<html>', 128 * 2048))],
  ['a VMDK descriptor and ISO', /VMDK disk and an ISO/, withIso(starts(vmdkDescriptor(EVIL), 128 * 2048))],
];

function withIso(bytes: Buffer): Buffer {
  return patched(bytes, (copy) => isoImage().copy(copy, 0x8000, 0x8000, 0x8800));
}
