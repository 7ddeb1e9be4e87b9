/** The records of a zip archive (PKWARE's APPNOTE), as far as one file needs them. Names are compared, never used. */
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
  /** Whether checksum and sizes follow the data, so that those here are 0. */
  readonly sizesBehind: boolean;
  readonly zip64: boolean;
  readonly crc: number;
  readonly packed: number;
  readonly unpacked: number;
}

export const LOCAL_LENGTH = 30;
export const CENTRAL_LENGTH = 46;

/** Lengths of the name and of the extra field that follow the fixed part. */
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
  /** Of its local header. */
  readonly offset: number;
  /** Bytes of the record. */
  readonly length: number;
}

/** @throws ImageError for what is neither a regular file nor a folder */
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

/** Of each field that says "look there" the number that stands there. */
function wider(extra: Buffer | undefined, fields: readonly number[]): readonly (number | undefined)[] {
  let at = 0;
  return fields.map((field) => {
    if (field !== MAX32 || extra === undefined || at + 8 > extra.length) return undefined;
    at += 8;
    return Number(extra.readBigUInt64LE(at - 8));
  });
}

/**
 * The records that end an archive: of zip64 two, then the usual one with a comment up to the end of the file.
 * @param directory where the zip directory begins, in the file; `at` where it ends, in `bytes`
 */
export function checkEnd(bytes: Buffer, at: number, directory: number, entries: number): void {
  let end = at;
  if (signatureAt(bytes, end) === signature.end64) {
    if (bytes.length < end + 56) throw damaged('ends in the middle');
    const length = 12 + Number(bytes.readBigUInt64LE(end + 4));
    const told = [bytes.readBigUInt64LE(end + 32), bytes.readBigUInt64LE(end + 48)].map(Number);
    if (told[0] !== entries || told[1] !== directory) throw contradicts();
    end += length;
    if (signatureAt(bytes, end) !== signature.locator64) throw contradicts();
    end += 20;
  }
  if (signatureAt(bytes, end) !== signature.end || bytes.length < end + 22) {
    throw damaged('has no end of a zip archive where it is due');
  }
  const [count, offset] = [bytes.readUInt16LE(end + 10), bytes.readUInt32LE(end + 16)];
  if (count !== entries && count !== MAX16) throw contradicts();
  if (offset !== directory && offset !== MAX32) throw contradicts();
  if (bytes.length !== end + 22 + bytes.readUInt16LE(end + 20)) {
    throw damaged('has something behind the zip archive');
  }
}

export const signatureAt = (bytes: Buffer, at: number): number | undefined =>
  at + 4 <= bytes.length ? bytes.readUInt32LE(at) : undefined;

export const contradicts = () => damaged('is a zip archive whose directory contradicts its content');
