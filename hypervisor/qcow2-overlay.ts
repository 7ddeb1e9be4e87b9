/**
 * Makes the qcow2 file of an overlay that has no data yet, by the QEMU specification (docs/interop/qcow2.txt), as `qemu-img create -b`
 * does: a program for each new disk would take a busy host longer than all that it writes.
 *
 *   cluster 0   the header, the format of the image below, its name
 *   cluster 1   the table of reference counts, 2 the counts of these clusters
 *   from 3 on   the first table of the guest's clusters, all of which are the image's
 */
import type { FileHandle } from 'node:fs/promises';
import { writeAll } from '../images/holes.ts';

const CLUSTER_BITS = 16;
const CLUSTER = 2 ** CLUSTER_BITS;
const HEADER_LENGTH = 112;
const [COUNT_TABLE, COUNTS, TABLE] = [1, 2, 3];
const BACKING_FORMAT = 0xe2_79_2a_ca;
/** Bytes of the guest behind each entry of the first table: a cluster of 8-byte entries, of a cluster each. */
const GUEST_BYTES_PER_ENTRY = (CLUSTER / 8) * CLUSTER;
const MAX_NAME = 1023;

export interface Overlay {
  /** Bytes that the guest sees; whole sectors. */
  readonly size: number;
  /** Name of the image below, relative to the disk. */
  readonly backingName: string;
  readonly backingFormat: 'qcow2' | 'raw';
}

/** @param file empty */
export async function writeOverlay(file: FileHandle, overlay: Overlay): Promise<void> {
  const entries = Math.max(1, Math.ceil(overlay.size / GUEST_BYTES_PER_ENTRY));
  const clusters = TABLE + Math.ceil((entries * 8) / CLUSTER);
  const countTable = Buffer.alloc(8);
  countTable.writeBigUInt64BE(BigInt(COUNTS * CLUSTER));
  const counts = Buffer.alloc(clusters * 2);
  for (let at = 0; at < clusters; at += 1) counts.writeUInt16BE(1, at * 2);
  await file.truncate(clusters * CLUSTER);
  await writeAll(file, [header(overlay, entries)], 0);
  await writeAll(file, [countTable], COUNT_TABLE * CLUSTER);
  await writeAll(file, [counts], COUNTS * CLUSTER);
}

/** Version 3, compressed by zlib where it is compressed, with counts of 16 bits. */
function header({ size, backingName, backingFormat }: Overlay, entries: number): Buffer {
  const format = extension(BACKING_FORMAT, Buffer.from(backingFormat));
  const name = Buffer.from(backingName);
  if (name.length > MAX_NAME) throw new RangeError('The name of an image below a disk is too long');
  const head = Buffer.alloc(HEADER_LENGTH);
  head.write('QFI\xfb', 0, 'latin1');
  head.writeUInt32BE(3, 4);
  head.writeBigUInt64BE(BigInt(HEADER_LENGTH + format.length + END.length), 8);
  head.writeUInt32BE(name.length, 16);
  head.writeUInt32BE(CLUSTER_BITS, 20);
  head.writeBigUInt64BE(BigInt(size), 24);
  head.writeUInt32BE(entries, 36);
  head.writeBigUInt64BE(BigInt(TABLE * CLUSTER), 40);
  head.writeBigUInt64BE(BigInt(COUNT_TABLE * CLUSTER), 48);
  head.writeUInt32BE(1, 56);
  head.writeUInt32BE(4, 96);
  head.writeUInt32BE(HEADER_LENGTH, 100);
  return Buffer.concat([head, format, END, name]);
}

/** After the last extension. */
const END = Buffer.alloc(8);

function extension(type: number, data: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(type, 0);
  head.writeUInt32BE(data.length, 4);
  return Buffer.concat([head, data, Buffer.alloc((8 - (data.length % 8)) % 8)]);
}
