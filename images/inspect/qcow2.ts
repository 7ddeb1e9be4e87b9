/** The header of a qcow2 file, read by the QEMU specification (docs/interop/qcow2.txt). */
import { ImageError } from '../../model/failures.ts';
import { counted, withArticle } from '../../model/grammar.ts';
import type { InspectionLimits } from './limits.ts';
import { maxVirtualSize } from './limits.ts';
import { readExtensions } from './qcow2-extensions.ts';
import type { BitmapDirectory } from './qcow2-extensions.ts';

/** Offset of the virtual size in the header. */
export const VIRTUAL_SIZE_OFFSET = 24;

const MAGIC = 0x51_46_49_fb;
const V2_LENGTH = 72;
const V3_LENGTH = 104;
const V2_REFCOUNT_ORDER = 4;
const SMALLEST_EXTENDED_CLUSTER = 16_384;
const MAX_L1_BYTES = 32 * 1_048_576;
const MAX_REFCOUNT_TABLE_BYTES = 8 * 1_048_576;
const MAX_SNAPSHOTS = 256;

const incompatible = { dirty: 1n, corrupt: 2n, dataFile: 4n, compression: 8n, extendedL2: 16n } as const;
const KNOWN_INCOMPATIBLE = 31n;
const autoclear = { bitmaps: 1n, rawDataFile: 2n } as const;

export type Qcow2Limits = InspectionLimits;

/** A contiguous part of the file. */
export interface Region {
  readonly offset: number;
  /** Bytes. */
  readonly length: number;
}

export interface Qcow2Header {
  readonly version: 2 | 3;
  /** Bytes that a VM sees. */
  readonly virtualSize: number;
  readonly clusterSize: number;
  readonly compression: 'zlib' | 'zstd';
  readonly extendedL2: boolean;
  readonly snapshots: number;
  readonly snapshotsOffset: number;
  readonly refcountBits: number;
  readonly l1: Region;
  readonly refcountTable: Region;
  readonly bitmaps?: BitmapDirectory;
}

/**
 * Reads a header. Refuses headers that could make QEMU read another file, and wrong sizes.
 * @param head the first 64 KiB of the file, or all of a shorter file
 * @param fileSize bytes of the file; without it, pointers beyond the head are not checked
 * @throws ImageError HostileImage with a sentence that says why
 */
export function parseQcow2(head: Buffer, fileSize?: number, limits: Qcow2Limits = {}): Qcow2Header {
  if (head.length < V2_LENGTH || head.readUInt32BE(0) !== MAGIC) throw refuse('has no whole header');
  const version = head.readUInt32BE(4);
  if (version !== 2 && version !== 3) throw refuse(`has version ${version}; 2 and 3 are known`);
  const clusterBits = head.readUInt32BE(20);
  if (clusterBits < 9 || clusterBits > 21)
    throw refuse(`has cluster_bits ${clusterBits}; 9 to 21 are allowed`);
  const clusterSize = 2 ** clusterBits;
  refuseOtherFiles(head);
  const features = version === 3 ? readFeatures(head, clusterSize) : V2_FEATURES;
  const bitmaps = readExtensions(head, features, clusterSize, limits);
  const virtualSize = readVirtualSize(head, limits);
  const snapshots = head.readUInt32BE(60);
  if (snapshots > 0 && limits.allowSnapshots !== true)
    throw refuse(`holds ${counted(snapshots, 'internal snapshot')}`);
  if (snapshots > MAX_SNAPSHOTS)
    throw refuse(`holds ${counted(snapshots, 'internal snapshot')}; at most ${MAX_SNAPSHOTS} are allowed`);
  const header: Qcow2Header = {
    version,
    virtualSize,
    clusterSize,
    compression: features.compression,
    extendedL2: features.extendedL2,
    snapshots,
    snapshotsOffset: Number(head.readBigUInt64BE(64)),
    refcountBits: 2 ** features.refcountOrder,
    l1: { offset: Number(head.readBigUInt64BE(40)), length: head.readUInt32BE(36) * 8 },
    refcountTable: {
      offset: Number(head.readBigUInt64BE(48)),
      length: head.readUInt32BE(56) * clusterSize,
    },
    ...(bitmaps === undefined ? {} : { bitmaps }),
  };
  checkTables(header, fileSize);
  return header;
}

interface Features {
  readonly headerLength: number;
  readonly extendedL2: boolean;
  readonly compression: 'zlib' | 'zstd';
  readonly refcountOrder: number;
  /** Whether the header marks the bitmaps extension as valid. */
  readonly bitmaps: boolean;
}

const V2_FEATURES: Features = {
  headerLength: V2_LENGTH,
  extendedL2: false,
  compression: 'zlib',
  refcountOrder: V2_REFCOUNT_ORDER,
  bitmaps: false,
};

function refuseOtherFiles(head: Buffer): void {
  if (head.readBigUInt64BE(8) !== 0n || head.readUInt32BE(16) !== 0) throw refuse('has a backing file');
  if (head.readUInt32BE(32) !== 0) throw refuse('is encrypted');
}

function readFeatures(head: Buffer, clusterSize: number): Features {
  if (head.length < V3_LENGTH) throw refuse('has no whole header');
  const bits = head.readBigUInt64BE(72);
  if ((bits & incompatible.dataFile) !== 0n) throw refuse('keeps its data in an external data file');
  if ((bits & incompatible.corrupt) !== 0n) throw refuse('is marked corrupt');
  if ((bits & incompatible.dirty) !== 0n) throw refuse('is marked dirty: it was not closed properly');
  const unknown = bits & ~KNOWN_INCOMPATIBLE;
  if (unknown !== 0n) throw refuse(`needs unknown incompatible features (0x${unknown.toString(16)})`);
  const clear = head.readBigUInt64BE(88);
  if ((clear & autoclear.rawDataFile) !== 0n) throw refuse('keeps its data in an external data file');
  const extendedL2 = (bits & incompatible.extendedL2) !== 0n;
  if (extendedL2 && clusterSize < SMALLEST_EXTENDED_CLUSTER)
    throw refuse(`has subclusters in clusters of ${counted(clusterSize, 'byte')}`);
  const refcountOrder = head.readUInt32BE(96);
  if (refcountOrder > 6) throw refuse(`has refcount_order ${refcountOrder}; 0 to 6 are allowed`);
  const headerLength = readHeaderLength(head, clusterSize);
  const compression = readCompression(head, headerLength, (bits & incompatible.compression) !== 0n);
  return {
    headerLength,
    extendedL2,
    compression,
    refcountOrder,
    bitmaps: (clear & autoclear.bitmaps) !== 0n,
  };
}

function readHeaderLength(head: Buffer, clusterSize: number): number {
  const length = head.readUInt32BE(100);
  if (length >= V3_LENGTH && length % 8 === 0 && length <= Math.min(clusterSize, head.length)) return length;
  throw refuse(`has an impossible header_length of ${length}`);
}

function readCompression(head: Buffer, headerLength: number, flagged: boolean): 'zlib' | 'zstd' {
  const type = headerLength > V3_LENGTH ? head.readUInt8(V3_LENGTH) : 0;
  if (type > 1 || flagged !== (type !== 0)) throw refuse(`has an unknown compression type ${type}`);
  return type === 1 ? 'zstd' : 'zlib';
}

function readVirtualSize(head: Buffer, limits: Qcow2Limits): number {
  const size = head.readBigUInt64BE(VIRTUAL_SIZE_OFFSET);
  const limit = maxVirtualSize(limits);
  if (size === 0n) throw refuse('has a virtual size of 0 bytes');
  if (size > BigInt(limit))
    throw refuse(`has a virtual size of ${counted(size, 'byte')}; at most ${limit} are allowed`);
  return Number(size);
}

/** Bytes of the disk that one L2 table maps. */
export const mappedByL2 = ({ clusterSize, extendedL2 }: Qcow2Header): number =>
  clusterSize * (clusterSize / (extendedL2 ? 16 : 8));

function checkTables(header: Qcow2Header, fileSize: number | undefined): void {
  const { l1, refcountTable, virtualSize, clusterSize } = header;
  if (l1.length > MAX_L1_BYTES) throw refuse(`has an L1 table of ${counted(l1.length / 8, 'entry')}`);
  if (l1.length / 8 < Math.ceil(virtualSize / mappedByL2(header)))
    throw refuse('has an L1 table too small for its virtual size');
  if (refcountTable.length === 0) throw refuse('has no refcount table');
  if (refcountTable.length > MAX_REFCOUNT_TABLE_BYTES)
    throw refuse(`has a refcount table of ${counted(refcountTable.length, 'byte')}`);
  checkPlace('L1 table', l1, clusterSize, fileSize);
  checkPlace('refcount table', refcountTable, clusterSize, fileSize);
  // QEMU requires a valid offset even for an empty list.
  const snapshots = { offset: header.snapshotsOffset, length: header.snapshots * 40 };
  if (snapshots.offset !== 0 || snapshots.length > 0)
    checkPlace('snapshot table', snapshots, clusterSize, fileSize);
  if (header.bitmaps !== undefined) checkPlace('bitmap directory', header.bitmaps, clusterSize, fileSize);
}

/** @throws ImageError when a table is outside the file, or does not begin at a cluster */
export function checkPlace(what: string, region: Region, clusterSize: number, fileSize = Infinity): void {
  if (region.offset % clusterSize !== 0)
    throw refuse(`has ${withArticle(what)} that is not aligned to a cluster`);
  if (region.offset === 0) throw refuse(`has ${withArticle(what)} over its own header`);
  if (region.offset + region.length <= fileSize) return;
  throw refuse(`has ${withArticle(what)} beyond the end of the file: it is cut short, or lies`);
}

export const refuse = (sentence: string): ImageError =>
  new ImageError('HostileImage', `the qcow2 image ${sentence}`);
