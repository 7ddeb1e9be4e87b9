/**
 * Partition tables of raw disks and of ISO hybrids. The checks are those of Linux before it uses a table, and those that tell a
 * table from bytes that only look like one.
 */
import { crc32 } from 'node:zlib';
import { ImageError } from '../../model/failures.ts';
import { counted } from '../../model/grammar.ts';
import type { Partition, PartitionTable } from '../../model/evidence.ts';
import { isKernel } from './kernel.ts';
import { hasBootSignature } from './magic.ts';
import { isZero } from '../reader.ts';

const SECTOR = 512;
const MAX_SHOWN = 16;
const MBR_ENTRIES = 446;
const PROTECTIVE = 0xee;
const EXTENDED: ReadonlySet<number> = new Set([0x05, 0x0f, 0x85]);

interface MbrEntry {
  readonly number: number;
  readonly flag: number;
  readonly type: number;
  readonly start: number;
  readonly sectors: number;
}

/** The tables' entries, unchecked; undefined without a table. */
export function readPartitions(head: Buffer): PartitionTable | undefined {
  const gpt = findGpt(head);
  if (gpt !== undefined)
    return { kind: 'gpt', sectorSize: gpt.sectorSize, partitions: gptEntries(head, gpt) };
  if (!hasMbr(head)) return undefined;
  const partitions = mbrEntries(head)
    .filter(({ type }) => type !== 0)
    .map(({ number, type, start, sectors }) => ({
      number,
      type: type.toString(16).padStart(2, '0'),
      start: start * SECTOR,
      size: sectors * SECTOR,
    }));
  return { kind: 'mbr', sectorSize: SECTOR, partitions };
}

/**
 * @param fileSize bytes; without it nothing is compared with the end of the disk
 * @throws ImageError HostileImage when a table contradicts itself or the file
 */
export function checkPartitions(head: Buffer, fileSize?: number): void {
  const gpt = findGpt(head);
  if (hasMbr(head)) checkMbr(mbrEntries(head), { head, gpt, fileSize });
  if (gpt === undefined || !gpt.sound || fileSize === undefined) return;
  const end = (gpt.lastUsable + 1) * gpt.sectorSize;
  if (end > fileSize) {
    throw refuse(
      `has a GPT for ${counted(end, 'byte')} and more, but the file has ${fileSize}: it is cut short`,
    );
  }
}

interface Disk {
  readonly head: Buffer;
  readonly gpt: Gpt | undefined;
  readonly fileSize: number | undefined;
}

/** A boot sector without a partition is one of a boot loader or a floppy disk. */
function checkMbr(entries: readonly MbrEntry[], disk: Disk): void {
  const odd = entries.find(({ flag }) => flag !== 0 && flag !== 0x80);
  if (odd !== undefined) throw refuse(`has an MBR with an impossible boot flag in entry ${odd.number}`);
  const used = entries.filter(({ type }) => type !== 0);
  const protective = used.find(({ type }) => type === PROTECTIVE);
  if (protective !== undefined) return checkProtective(protective, used, disk);
  const beyond = used.find(
    ({ start, type }) => !EXTENDED.has(type) && start * SECTOR >= (disk.fileSize ?? Infinity),
  );
  if (beyond === undefined) return;
  throw refuse(`has partition ${beyond.number} beyond its end: it is cut short, or lies`);
}

function checkProtective(protective: MbrEntry, used: readonly MbrEntry[], { head, gpt }: Disk): void {
  const others = used.filter((entry) => entry !== protective);
  if ((others.length > 0 || protective.number !== 1) && !isHybrid(others, head, gpt)) {
    throw refuse('has a GPT and other partitions in its MBR: two programs would see two disks');
  }
  // As Linux has it: how old programs count (head, sector, track) tells nothing.
  if (protective.start !== 1) throw refuse('has a protective MBR that does not begin at sector 1');
}

/** Whether every other entry of the MBR is a partition of the GPT too, so that all programs see the same disk. */
function isHybrid(others: readonly MbrEntry[], head: Buffer, gpt: Gpt | undefined): boolean {
  if (gpt?.sound !== true || !hasSoundEntries(head, gpt)) return false;
  const partitions = [...eachPartition(head, gpt)];
  return others.every(({ start, sectors }) =>
    partitions.some(({ first, last }) => first === start && last === start + sectors - 1),
  );
}

const hasMbr = (head: Buffer): boolean => hasBootSignature(head) && !isKernel(head);

const mbrEntries = (head: Buffer): readonly MbrEntry[] =>
  [0, 1, 2, 3].map((index) => {
    const entry = head.subarray(MBR_ENTRIES + index * 16, MBR_ENTRIES + (index + 1) * 16);
    return {
      number: index + 1,
      flag: entry.readUInt8(0),
      type: entry.readUInt8(4),
      start: entry.readUInt32LE(8),
      sectors: entry.readUInt32LE(12),
    };
  });

interface Gpt {
  readonly sectorSize: number;
  /** Whether its checksum is right: else firmware takes the copy at the end. */
  readonly sound: boolean;
  readonly lastUsable: number;
  /** Byte where the entries begin. */
  readonly entries: number;
  readonly entrySize: number;
  readonly count: number;
  readonly entriesChecksum: number;
}

function findGpt(head: Buffer): Gpt | undefined {
  const sectorSize = [512, 4096].find((size) => head.toString('latin1', size, size + 8) === 'EFI PART');
  if (sectorSize === undefined || head.length < sectorSize + 92) return undefined;
  const header = head.subarray(sectorSize);
  const length = header.readUInt32LE(12);
  return {
    sectorSize,
    sound:
      length >= 92 && length <= Math.min(sectorSize, header.length) && isSound(header.subarray(0, length)),
    lastUsable: Number(header.readBigUInt64LE(48)),
    entries: Number(header.readBigUInt64LE(72)) * sectorSize,
    count: header.readUInt32LE(80),
    entrySize: header.readUInt32LE(84),
    entriesChecksum: header.readUInt32LE(88),
  };
}

function isSound(header: Buffer): boolean {
  const copy = Buffer.from(header);
  copy.writeUInt32LE(0, 16);
  return crc32(copy) === header.readUInt32LE(16);
}

/** Whether all entries lie in the head, and are those that the header is for. */
function hasSoundEntries(head: Buffer, { entries, entrySize, count, entriesChecksum }: Gpt): boolean {
  const end = entries + entrySize * count;
  return end <= head.length && crc32(head.subarray(entries, end)) === entriesChecksum;
}

interface GptPartition {
  readonly number: number;
  readonly entry: Buffer;
  /** Sectors; the last one is included. */
  readonly first: number;
  readonly last: number;
}

/** Those that are used, as far as the head reaches. */
function* eachPartition(head: Buffer, { entries, entrySize, count }: Gpt): Generator<GptPartition> {
  if (entrySize < 128 || entrySize > 4096) return;
  for (let index = 0; index < count; index += 1) {
    const at = entries + index * entrySize;
    if (at + 128 > head.length) return;
    const entry = head.subarray(at, at + 128);
    if (isZero(entry.subarray(0, 16))) continue;
    const [first, last] = [Number(entry.readBigUInt64LE(32)), Number(entry.readBigUInt64LE(40))];
    yield { number: index + 1, entry, first, last };
  }
}

function gptEntries(head: Buffer, gpt: Gpt): readonly Partition[] {
  const found: Partition[] = [];
  for (const { number, entry, first, last } of eachPartition(head, gpt)) {
    if (found.length === MAX_SHOWN) break;
    const name = entry.toString('utf16le', 56, 128).replace(/[^\x20-\x7e]+/g, '');
    found.push({
      number,
      type: guid(entry),
      start: first * gpt.sectorSize,
      size: (last - first + 1) * gpt.sectorSize,
      ...(name === '' ? {} : { name }),
    });
  }
  return found;
}

/** The first three groups are little-endian. */
const guid = (bytes: Buffer): string =>
  [
    bytes.readUInt32LE(0).toString(16).padStart(8, '0'),
    bytes.readUInt16LE(4).toString(16).padStart(4, '0'),
    bytes.readUInt16LE(6).toString(16).padStart(4, '0'),
    bytes.toString('hex', 8, 10),
    bytes.toString('hex', 10, 16),
  ].join('-');

const refuse = (sentence: string): ImageError => new ImageError('HostileImage', `the raw image ${sentence}`);
