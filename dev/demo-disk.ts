/**
 * Generates the disk image of the demo: an MBR that boots and writes a line, with one partition, and in it a FAT32 file system with a text file and a
 * large file. The large file is random, so that the demo cannot mistake a copy of an earlier image for the new one.
 */
import { createHash, randomBytes, randomFillSync } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { bootCode } from './boot-code.ts';

export interface Disk {
  readonly bytes: number;
  readonly sha256: string;
}

const SECTOR = 512;
const MIB = 1_048_576;
/** Sector at which partitioning programs begin the first partition. */
const PARTITION_START = 2048;
const PARTITION_SECTORS = (256 * MIB) / SECTOR;
const SECTORS_PER_CLUSTER = 4;
const CLUSTER = SECTORS_PER_CLUSTER * SECTOR;
const RESERVED_SECTORS = 32;
/** Size of each of the two allocation tables: 4 bytes for each cluster, and two reserved entries before the first. */
const FAT_SECTORS = Math.ceil(
  (PARTITION_SECTORS - RESERVED_SECTORS + 2 * SECTORS_PER_CLUSTER) / ((SECTORS_PER_CLUSTER * SECTOR) / 4 + 2),
);
const CLUSTERS = Math.floor((PARTITION_SECTORS - RESERVED_SECTORS - 2 * FAT_SECTORS) / SECTORS_PER_CLUSTER);
const ROOT_CLUSTER = 2;
const TEXT_CLUSTER = 3;
const DATA_CLUSTER = 4;
/** Half of the disk is in use; the rest is zeros, as on a real disk. */
const DATA_BYTES = 128 * MIB;
const LABEL = 'BYPASS DEMO';

/** What a machine that boots from the disk writes to its serial console. */
export const FIRST_LINE = 'Hello from the demo disk of Bypass, booted as a virtual machine';

export const DISK_BYTES = (PARTITION_START + PARTITION_SECTORS) * SECTOR;

const TEXT = `This disk was made by the demo of Bypass.
It went from an HTTP server through a metalink, past a dead mirror, onto a storage pool.
`;

/** Writes the image to a new file. @throws when the file exists */
export async function makeDisk(path: string): Promise<Disk> {
  const file = await open(path, 'wx');
  const hash = createHash('sha256');
  let bytes = 0;
  const write = async (piece: Buffer): Promise<void> => {
    hash.update(piece);
    await file.appendFile(piece);
    bytes += piece.length;
  };
  try {
    await write(masterBootRecord());
    await write(reserved(randomBytes(4)));
    const table = allocationTable();
    await write(table);
    await write(table);
    await write(clusterOf(rootFolder()));
    await write(clusterOf(Buffer.from(TEXT)));
    await writeNoise(write);
    await writeZeros(write, DISK_BYTES - bytes);
  } finally {
    await close(file);
  }
  return { bytes, sha256: hash.digest('hex') };
}

async function close(file: FileHandle): Promise<void> {
  await file.sync();
  await file.close();
}

async function writeNoise(write: (piece: Buffer) => Promise<void>): Promise<void> {
  const piece = Buffer.allocUnsafe(MIB);
  for (let left = DATA_BYTES; left > 0; left -= MIB) await write(randomFillSync(piece));
}

async function writeZeros(write: (piece: Buffer) => Promise<void>, length: number): Promise<void> {
  const zeros = Buffer.alloc(MIB);
  for (let left = length; left > 0; left -= MIB) await write(zeros.subarray(0, Math.min(left, MIB)));
}

/** The MBR with its boot code, one partition of type 0x0C (FAT32, addressed by sector), and the unused space before the partition. */
function masterBootRecord(): Buffer {
  const record = Buffer.alloc(PARTITION_START * SECTOR);
  bootCode(FIRST_LINE).copy(record);
  const entry = record.subarray(446);
  entry.writeUInt8(0x80, 0);
  entry.fill(0xff, 1, 4);
  entry.writeUInt8(0x0c, 4);
  entry.fill(0xff, 5, 8);
  entry.writeUInt32LE(PARTITION_START, 8);
  entry.writeUInt32LE(PARTITION_SECTORS, 12);
  record.writeUInt16BE(0x55aa, 510);
  return record;
}

/** The boot sector and the FSInfo sector of FAT32, and their backups from sector 6 on. */
function reserved(serial: Buffer): Buffer {
  const sectors = Buffer.alloc(RESERVED_SECTORS * SECTOR);
  for (const at of [0, 6 * SECTOR]) {
    bootSector(serial).copy(sectors, at);
    information().copy(sectors, at + SECTOR);
    sectors.writeUInt16BE(0x55aa, at + 2 * SECTOR + 510);
  }
  return sectors;
}

function bootSector(serial: Buffer): Buffer {
  const sector = Buffer.alloc(SECTOR);
  sector.set([0xeb, 0x58, 0x90]);
  sector.write('BYPASS  ', 3, 'latin1');
  sector.writeUInt16LE(SECTOR, 11);
  sector.writeUInt8(SECTORS_PER_CLUSTER, 13);
  sector.writeUInt16LE(RESERVED_SECTORS, 14);
  sector.writeUInt8(2, 16);
  sector.writeUInt8(0xf8, 21);
  sector.writeUInt16LE(63, 24);
  sector.writeUInt16LE(255, 26);
  sector.writeUInt32LE(PARTITION_START, 28);
  sector.writeUInt32LE(PARTITION_SECTORS, 32);
  sector.writeUInt32LE(FAT_SECTORS, 36);
  sector.writeUInt32LE(ROOT_CLUSTER, 44);
  sector.writeUInt16LE(1, 48);
  sector.writeUInt16LE(6, 50);
  sector.writeUInt8(0x80, 64);
  sector.writeUInt8(0x29, 66);
  serial.copy(sector, 67);
  sector.write(LABEL, 71, 'latin1');
  sector.write('FAT32   ', 82, 'latin1');
  sector.writeUInt16BE(0x55aa, 510);
  return sector;
}

/** The FSInfo sector: the number of free clusters, and the first one. */
function information(): Buffer {
  const used = 2 + DATA_BYTES / CLUSTER;
  const sector = Buffer.alloc(SECTOR);
  sector.write('RRaA', 0, 'latin1');
  sector.write('rrAa', 484, 'latin1');
  sector.writeUInt32LE(CLUSTERS - used, 488);
  sector.writeUInt32LE(2 + used, 492);
  sector.writeUInt16BE(0x55aa, 510);
  return sector;
}

const END_OF_CHAIN = 0x0fffffff;

/** Each entry holds the number of the next cluster of the same file. */
function allocationTable(): Buffer {
  const table = Buffer.alloc(FAT_SECTORS * SECTOR);
  table.writeUInt32LE(0x0ffffff8, 0);
  table.writeUInt32LE(END_OF_CHAIN, 4);
  table.writeUInt32LE(END_OF_CHAIN, ROOT_CLUSTER * 4);
  table.writeUInt32LE(END_OF_CHAIN, TEXT_CLUSTER * 4);
  const last = DATA_CLUSTER + DATA_BYTES / CLUSTER - 1;
  for (let cluster = DATA_CLUSTER; cluster < last; cluster += 1)
    table.writeUInt32LE(cluster + 1, cluster * 4);
  table.writeUInt32LE(END_OF_CHAIN, last * 4);
  return table;
}

function rootFolder(): Buffer {
  return Buffer.concat([
    folderEntry(LABEL, 0x08, 0, 0),
    folderEntry('README  TXT', 0x20, TEXT_CLUSTER, Buffer.byteLength(TEXT)),
    folderEntry('CONTENT BIN', 0x20, DATA_CLUSTER, DATA_BYTES),
  ]);
}

function folderEntry(name: string, attributes: number, cluster: number, size: number): Buffer {
  const entry = Buffer.alloc(32);
  entry.write(name, 0, 'latin1');
  entry.writeUInt8(attributes, 11);
  // Modification date: 1 January 2026.
  entry.writeUInt16LE(((2026 - 1980) << 9) | (1 << 5) | 1, 24);
  entry.writeUInt16LE(cluster >>> 16, 20);
  entry.writeUInt16LE(cluster & 0xffff, 26);
  entry.writeUInt32LE(size, 28);
  return entry;
}

function clusterOf(content: Buffer): Buffer {
  const cluster = Buffer.alloc(CLUSTER);
  content.copy(cluster);
  return cluster;
}
