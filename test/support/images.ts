/** Generates images during tests; the repository contains none. */
import { createHash } from 'node:crypto';

export interface Qcow2Options {
  readonly version?: number;
  readonly virtualSize?: bigint;
  readonly clusterBits?: number;
  readonly backingOffset?: bigint;
  readonly backingSize?: number;
  readonly crypt?: number;
  readonly l1Size?: number;
  readonly l1Offset?: bigint;
  readonly refcountOffset?: bigint;
  readonly refcountClusters?: number;
  readonly snapshots?: number;
  readonly snapshotsOffset?: bigint;
  readonly incompatible?: bigint;
  readonly autoclear?: bigint;
  readonly refcountOrder?: number;
  readonly headerLength?: number;
  readonly compressionType?: number;
  readonly extensions?: readonly { readonly type: number; readonly data: Buffer }[];
}

/** A qcow2 header alone, correct by default: 72 bytes for version 2, 112 and more for version 3. */
export function qcow2Header(options: Qcow2Options = {}): Buffer {
  const { version = 3, headerLength = version === 2 ? 72 : 112 } = options;
  const fixed = Buffer.alloc(version === 2 ? 72 : 112);
  fixed.write('QFI\xfb', 0, 'latin1');
  fixed.writeUInt32BE(version, 4);
  fixed.writeBigUInt64BE(options.backingOffset ?? 0n, 8);
  fixed.writeUInt32BE(options.backingSize ?? 0, 16);
  fixed.writeUInt32BE(options.clusterBits ?? 16, 20);
  fixed.writeBigUInt64BE(options.virtualSize ?? 1_048_576n, 24);
  fixed.writeUInt32BE(options.crypt ?? 0, 32);
  fixed.writeUInt32BE(options.l1Size ?? 1, 36);
  fixed.writeBigUInt64BE(options.l1Offset ?? 0x30000n, 40);
  fixed.writeBigUInt64BE(options.refcountOffset ?? 0x10000n, 48);
  fixed.writeUInt32BE(options.refcountClusters ?? 1, 56);
  fixed.writeUInt32BE(options.snapshots ?? 0, 60);
  fixed.writeBigUInt64BE(options.snapshotsOffset ?? 0n, 64);
  if (version === 2) return fixed;
  fixed.writeBigUInt64BE(options.incompatible ?? 0n, 72);
  fixed.writeBigUInt64BE(options.autoclear ?? 0n, 88);
  fixed.writeUInt32BE(options.refcountOrder ?? 4, 96);
  fixed.writeUInt32BE(headerLength, 100);
  fixed.writeUInt8(options.compressionType ?? 0, 104);
  return Buffer.concat([fixed, ...(options.extensions ?? []).map(extension)]);
}

function extension({ type, data }: { readonly type: number; readonly data: Buffer }): Buffer {
  const padded = Buffer.alloc(8 + Math.ceil(data.length / 8) * 8);
  padded.writeUInt32BE(type, 0);
  padded.writeUInt32BE(data.length, 4);
  data.copy(padded, 8);
  return padded;
}

/** A complete, empty qcow2 image of four clusters that passes `qemu-img check`. */
export function qcow2Image(options: Qcow2Options = {}): Buffer {
  const image = Buffer.alloc(0x40000);
  qcow2Header(options).copy(image);
  image.writeBigUInt64BE(0x20000n, 0x10000);
  for (let cluster = 0; cluster < 4; cluster += 1) image.writeUInt16BE(1, 0x20000 + cluster * 2);
  return image;
}

/** A qcow2 image followed by unused clusters of noise, for tests that need a size. */
export const paddedQcow2 = (bytes: number): Buffer => Buffer.concat([qcow2Image(), noise(bytes - 0x40000)]);

/** A disk with an MBR of one partition, followed by noise; reproducible by seed. */
export function rawDisk(bytes: number, seed = 1): Buffer {
  const disk = noise(bytes, seed);
  disk.fill(0, 0, 512);
  disk.writeUInt8(0x83, 450);
  disk.writeUInt32LE(1, 454);
  disk.writeUInt32LE(Math.floor(bytes / 512) - 1, 458);
  disk.writeUInt16BE(0x55aa, 510);
  return disk;
}

/** An ISO 9660 image with a primary volume descriptor of that size; `hybrid` adds an MBR and a GPT. */
export function isoImage(bytes = 128 * 2048, hybrid = false): Buffer {
  const image = Buffer.alloc(bytes);
  image.writeUInt8(1, 0x8000);
  image.write('CD001', 0x8001, 'latin1');
  image.writeUInt32LE(bytes / 2048, 0x8000 + 80);
  image.writeUInt16LE(2048, 0x8000 + 128);
  if (hybrid) {
    image.writeUInt16BE(0x55aa, 510);
    image.write('EFI PART', 512, 'latin1');
  }
  return image;
}

/** Pseudo-random bytes, reproducible by seed. */
export function noise(bytes: number, seed = 1): Buffer {
  const out = Buffer.allocUnsafe(bytes);
  let state = (seed * 2_654_435_761) >>> 0 || 1;
  for (let at = 0; at < bytes; at += 4) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    if (at + 4 <= bytes) out.writeInt32LE(state | 0, at);
    else out.fill(state & 0xff, at);
  }
  return out;
}

export const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
