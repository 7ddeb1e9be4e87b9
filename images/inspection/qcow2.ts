/** The header of a qcow2 file, read by the QEMU specification (docs/interop/qcow2.txt). */
import { ImageError } from '../../model/failures.ts';

/** Where the virtual size stands in the header. */
export const VIRTUAL_SIZE_OFFSET = 24;

const MAGIC = 0x51_46_49_fb;
const V2_LENGTH = 72;
const V3_LENGTH = 104;
const MAX_L1_BYTES = 32 * 1_048_576;
const MAX_REFCOUNT_TABLE_BYTES = 8 * 1_048_576;

const incompatible = { dirty: 1n, corrupt: 2n, dataFile: 4n, compression: 8n, extendedL2: 16n } as const;
const KNOWN_INCOMPATIBLE = 31n;
const AUTOCLEAR_RAW_DATA_FILE = 2n;

const extension = { end: 0, dataFile: 0x44_41_54_41, encryption: 0x05_37_be_77 } as const;

export interface Qcow2Limits {
  /** Bytes; default 16 TiB. */
  readonly maxVirtualSize?: number;
  /** Internal snapshots; default false. */
  readonly allowSnapshots?: boolean;
}

export interface Qcow2Header {
  readonly version: 2 | 3;
  /** Bytes that a VM sees. */
  readonly virtualSize: number;
  readonly clusterSize: number;
  readonly compression: 'zlib' | 'zstd';
  readonly snapshots: number;
}

/**
 * Reads a header and refuses what could make QEMU read another file, or what lies about its size.
 * @param head the first bytes of the file, 64 KiB or all when it is shorter
 * @param fileSize bytes of the file; without it, what lies beyond the head is not checked
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
  refuseExtensions(head, features.headerLength, clusterSize);
  const virtualSize = readVirtualSize(head, limits);
  checkTables(head, { clusterSize, virtualSize, extendedL2: features.extendedL2 }, fileSize);
  const snapshots = head.readUInt32BE(60);
  if (snapshots > 0 && limits.allowSnapshots !== true) throw refuse(`holds ${snapshots} internal snapshots`);
  return { version, virtualSize, clusterSize, compression: features.compression, snapshots };
}

interface Features {
  readonly headerLength: number;
  readonly extendedL2: boolean;
  readonly compression: 'zlib' | 'zstd';
}

const V2_FEATURES: Features = { headerLength: V2_LENGTH, extendedL2: false, compression: 'zlib' };

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
  if ((head.readBigUInt64BE(88) & AUTOCLEAR_RAW_DATA_FILE) !== 0n)
    throw refuse('keeps its data in an external data file');
  if (head.readUInt32BE(96) > 6)
    throw refuse(`has refcount_order ${head.readUInt32BE(96)}; 0 to 6 are allowed`);
  const headerLength = head.readUInt32BE(100);
  if (
    headerLength < V3_LENGTH ||
    headerLength % 8 !== 0 ||
    headerLength > Math.min(clusterSize, head.length)
  ) {
    throw refuse(`has an impossible header_length of ${headerLength}`);
  }
  const type = headerLength > V3_LENGTH ? head.readUInt8(V3_LENGTH) : 0;
  const flagged = (bits & incompatible.compression) !== 0n;
  if (type > 1 || flagged !== (type !== 0)) throw refuse(`has an unknown compression type ${type}`);
  return {
    headerLength,
    extendedL2: (bits & incompatible.extendedL2) !== 0n,
    compression: type === 1 ? 'zstd' : 'zlib',
  };
}

function refuseExtensions(head: Buffer, start: number, clusterSize: number): void {
  const end = Math.min(clusterSize, head.length);
  for (let at = start; at + 8 <= end;) {
    const type = head.readUInt32BE(at);
    const length = head.readUInt32BE(at + 4);
    if (type === extension.end) return;
    if (type === extension.dataFile) throw refuse('names an external data file');
    if (type === extension.encryption) throw refuse('is encrypted');
    at += 8 + Math.ceil(length / 8) * 8;
    if (at > end) throw refuse('has a header extension that runs out of its first cluster');
  }
}

function readVirtualSize(head: Buffer, limits: Qcow2Limits): number {
  const size = head.readBigUInt64BE(VIRTUAL_SIZE_OFFSET);
  const limit = limits.maxVirtualSize ?? 16 * 2 ** 40;
  if (size === 0n) throw refuse('has a virtual size of 0 bytes');
  if (size > BigInt(limit)) throw refuse(`has a virtual size of ${size} bytes; at most ${limit} are allowed`);
  return Number(size);
}

interface Geometry {
  readonly clusterSize: number;
  readonly virtualSize: number;
  readonly extendedL2: boolean;
}

function checkTables(head: Buffer, geometry: Geometry, fileSize: number | undefined): void {
  const { clusterSize, virtualSize, extendedL2 } = geometry;
  const l1Entries = head.readUInt32BE(36);
  const l2Covers = clusterSize * (clusterSize / (extendedL2 ? 16 : 8));
  if (l1Entries * 8 > MAX_L1_BYTES) throw refuse(`has an L1 table of ${l1Entries} entries`);
  if (l1Entries < Math.ceil(virtualSize / l2Covers))
    throw refuse('has an L1 table too small for its virtual size');
  const refcountBytes = head.readUInt32BE(56) * clusterSize;
  if (refcountBytes > MAX_REFCOUNT_TABLE_BYTES)
    throw refuse(`has a refcount table of ${refcountBytes} bytes`);
  checkPlace('L1 table', head.readBigUInt64BE(40), l1Entries * 8, clusterSize, fileSize);
  checkPlace('refcount table', head.readBigUInt64BE(48), refcountBytes, clusterSize, fileSize);
}

function checkPlace(
  what: string,
  offset: bigint,
  length: number,
  clusterSize: number,
  fileSize: number | undefined,
): void {
  if (offset % BigInt(clusterSize) !== 0n) throw refuse(`has a ${what} that is not aligned to a cluster`);
  if (fileSize === undefined || offset + BigInt(length) <= BigInt(fileSize)) return;
  throw refuse(`has a ${what} beyond the end of the file: it is cut short, or lies`);
}

const refuse = (sentence: string): ImageError =>
  new ImageError('HostileImage', `the qcow2 image ${sentence}`);
