/**
 * Parses the records of a zip archive (PKWARE's APPNOTE) that a single file needs. Names are compared, never used as
 * paths.
 */
import { damaged, hostile } from './failures.ts';

export const signature = {
  localFile: 0x04034b50,
  descriptor: 0x08074b50,
  centralFile: 0x02014b50,
  end64: 0x06064b50,
  locator64: 0x07064b50,
  end: 0x06054b50,
} as const;

const MAX32 = 0xffff_ffff;
const MAX16 = 0xffff;
const ZIP64 = 0x0001;
const flag = { encrypted: 1, sizesBehind: 8, strongEncryption: 64, masked: 0x2000 } as const;
export const method = { stored: 0, deflate: 8 } as const;
const MODE = { mask: 0xf000, regular: 0x8000, folder: 0x4000 } as const;
const UNIX = 3;

export interface LocalFile {
  readonly name: Buffer;
  readonly method: number;
  /** Whether checksum and sizes follow the data; then those of the header are 0. */
  readonly sizesBehind: boolean;
  readonly zip64: boolean;
  readonly crc: number;
  readonly packed: number;
  readonly unpacked: number;
}

export const LOCAL_LENGTH = 30;
export const CENTRAL_LENGTH = 46;
const END64_LENGTH = 56;
const LOCATOR_LENGTH = 20;
/** Without a comment. */
const END_LENGTH = 22;

/** Bytes of the name and the extra field after the fixed part. */
export const localTail = (fixed: Buffer): number => fixed.readUInt16LE(26) + fixed.readUInt16LE(28);

export function parseLocal(fixed: Buffer, tail: Buffer): LocalFile {
  const flags = fixed.readUInt16LE(6);
  if ((flags & (flag.encrypted | flag.strongEncryption | flag.masked)) !== 0) throw hostile('is encrypted');
  const nameLength = fixed.readUInt16LE(26);
  const [packed, unpacked] = [fixed.readUInt32LE(18), fixed.readUInt32LE(22)];
  const extra = zip64Extra(tail.subarray(nameLength));
  const wide = wider(extra, [unpacked, packed]);
  return {
    name: tail.subarray(0, nameLength),
    method: fixed.readUInt16LE(8),
    sizesBehind: (flags & flag.sizesBehind) !== 0,
    zip64: extra !== undefined,
    crc: fixed.readUInt32LE(14),
    unpacked: wide[0] ?? unpacked,
    packed: wide[1] ?? packed,
  };
}

export const isFolder = ({ name }: Pick<LocalFile, 'name'>): boolean => name.at(-1) === 0x2f;

export interface CentralFile {
  readonly name: Buffer;
  readonly method: number;
  readonly crc: number;
  readonly packed: number;
  readonly unpacked: number;
  /** Position of its local header in the file. */
  readonly offset: number;
  /** Bytes of this record. */
  readonly length: number;
}

/** @throws ImageError when the record is neither of a regular file nor of a folder */
export function parseCentral(record: Buffer): CentralFile {
  const [nameLength, extraLength] = [record.readUInt16LE(28), record.readUInt16LE(30)];
  const length = CENTRAL_LENGTH + nameLength + extraLength + record.readUInt16LE(32);
  if (record.length < length) throw damaged('has a zip directory that is cut short');
  const name = record.subarray(CENTRAL_LENGTH, CENTRAL_LENGTH + nameLength);
  requirePlain(record, name);
  const [packed, unpacked, offset] = [
    record.readUInt32LE(20),
    record.readUInt32LE(24),
    record.readUInt32LE(42),
  ];
  const extra = record.subarray(CENTRAL_LENGTH + nameLength, CENTRAL_LENGTH + nameLength + extraLength);
  const wide = wider(zip64Extra(extra), [unpacked, packed, offset]);
  return {
    name,
    method: record.readUInt16LE(10),
    crc: record.readUInt32LE(16),
    unpacked: wide[0] ?? unpacked,
    packed: wide[1] ?? packed,
    offset: wide[2] ?? offset,
    length,
  };
}

function requirePlain(record: Buffer, name: Buffer): void {
  if (record.readUInt8(5) !== UNIX) return;
  const kind = (record.readUInt32LE(38) >>> 16) & MODE.mask;
  if (kind === 0 || kind === (isFolder({ name }) ? MODE.folder : MODE.regular)) return;
  throw hostile('is a zip archive of something that is no regular file, such as a link');
}

function zip64Extra(extra: Buffer): Buffer | undefined {
  for (let at = 0; at + 4 <= extra.length;) {
    const length = extra.readUInt16LE(at + 2);
    if (extra.readUInt16LE(at) === ZIP64) return extra.subarray(at + 4, at + 4 + length);
    at += 4 + length;
  }
  return undefined;
}

/** The 64-bit values of those fields that refer to the zip64 extra field; undefined for the others. */
function wider(extra: Buffer | undefined, fields: readonly number[]): readonly (number | undefined)[] {
  let at = 0;
  return fields.map((field) => {
    if (field !== MAX32 || extra === undefined || at + 8 > extra.length) return undefined;
    at += 8;
    return Number(extra.readBigUInt64LE(at - 8));
  });
}

/**
 * @param tail the end of the file, which begins at `first`
 * @returns the position of the directory, by the records at the end
 * @throws ImageError when the archive has no end record
 */
export function findDirectory(tail: Buffer, first: number): number {
  for (let at = tail.length - END_LENGTH; at >= 0; at -= 1) {
    const whole = at + END_LENGTH + tail.readUInt16LE(at + 20) === tail.length;
    if (!whole || signatureAt(tail, at) !== signature.end) continue;
    const start = tail.readUInt32LE(at + 16);
    return start === MAX32 ? directoryOf64(tail, first, at - LOCATOR_LENGTH) : start;
  }
  throw damaged('has no end of a zip archive where it is due');
}

function directoryOf64(tail: Buffer, first: number, locator: number): number {
  if (locator < 0 || signatureAt(tail, locator) !== signature.locator64) throw contradicts();
  const at = Number(tail.readBigUInt64LE(locator + 8)) - first;
  const known = at >= 0 && at + END64_LENGTH <= tail.length && signatureAt(tail, at) === signature.end64;
  if (!known) throw contradicts();
  return Number(tail.readBigUInt64LE(at + 48));
}

/**
 * Checks the records at the end of an archive: two of zip64, if any, then the usual one, whose comment ends the file.
 * @param bytes from the beginning of the directory to the end of the file
 * @param at end of the directory within `bytes`
 * @param directory position of the directory in the file
 * @throws ImageError when the records contradict the directory
 */
export function checkEnd(bytes: Buffer, at: number, directory: number, entries: number): void {
  let end = at;
  if (signatureAt(bytes, end) === signature.end64) {
    if (bytes.length < end + END64_LENGTH) throw damaged('ends in the middle');
    const length = 12 + Number(bytes.readBigUInt64LE(end + 4));
    const [count, start] = [bytes.readBigUInt64LE(end + 32), bytes.readBigUInt64LE(end + 48)].map(Number);
    if (count !== entries || start !== directory) throw contradicts();
    end += length;
    if (signatureAt(bytes, end) !== signature.locator64) throw contradicts();
    if (bytes.length < end + LOCATOR_LENGTH) throw damaged('ends in the middle');
    if (Number(bytes.readBigUInt64LE(end + 8)) !== directory + at) throw contradicts();
    end += LOCATOR_LENGTH;
  }
  if (signatureAt(bytes, end) !== signature.end || bytes.length < end + END_LENGTH) {
    throw damaged('has no end of a zip archive where it is due');
  }
  const [count, offset] = [bytes.readUInt16LE(end + 10), bytes.readUInt32LE(end + 16)];
  if (count !== entries && count !== MAX16) throw contradicts();
  if (offset !== directory && offset !== MAX32) throw contradicts();
  if (bytes.length !== end + END_LENGTH + bytes.readUInt16LE(end + 20)) {
    throw damaged('has something behind the zip archive');
  }
}

export const signatureAt = (bytes: Buffer, at: number): number | undefined =>
  at + 4 <= bytes.length ? bytes.readUInt32LE(at) : undefined;

export const contradicts = () => damaged('is a zip archive whose directory contradicts its content');
