/**
 * The one file of a zip archive, as a stream: its own header comes first, and the directory, which is read last, must
 * say the same. Folders are passed over; links and further files are refused; no name becomes a path.
 */
import { crc32 } from 'node:zlib';
import { ByteReader } from './byte-reader.ts';
import { damaged, hostile } from './failures.ts';
import { inflateRaw } from './inflate.ts';
import {
  CENTRAL_LENGTH,
  checkEnd,
  contradicts,
  isFolder,
  LOCAL_LENGTH,
  localTail,
  method,
  parseCentral,
  parseLocal,
  signature,
  signatureAt,
} from './zip-records.ts';
import type { LocalFile } from './zip-records.ts';

/** Bytes of everything behind the file's data. */
const MOST_BEHIND = 1_048_576;

interface Entry {
  readonly header: LocalFile;
  readonly offset: number;
}

interface Counted {
  readonly crc: number;
  readonly packed: number;
  readonly unpacked: number;
}

export async function* unzip(packed: AsyncIterable<Buffer>, partial = false): AsyncGenerator<Buffer> {
  const reader = new ByteReader(packed);
  const entry = await firstFile(reader);
  const begin = reader.position;
  let crc = 0;
  let unpacked = 0;
  for await (const chunk of content(entry.header, reader, partial)) {
    crc = crc32(chunk, crc);
    unpacked += chunk.length;
    yield chunk;
  }
  const counted = { crc, unpacked, packed: reader.position - begin };
  const at = reader.position;
  checkRest(await readRest(reader), at, entry, counted);
}

async function firstFile(reader: ByteReader): Promise<Entry> {
  for (;;) {
    const offset = reader.position;
    const fixed = await reader.read(4);
    if (fixed.readUInt32LE(0) !== signature.localFile) throw hostile('is a zip archive without a file');
    const rest = await reader.read(LOCAL_LENGTH - 4);
    const whole = Buffer.concat([fixed, rest]);
    const header = parseLocal(whole, await reader.read(localTail(whole)));
    if (!isFolder(header)) return { header, offset };
    if (header.packed > 0 || header.sizesBehind) throw contradicts();
  }
}

function content(header: LocalFile, reader: ByteReader, partial: boolean): AsyncGenerator<Buffer> {
  if (header.method === method.deflate) return inflateRaw(reader, partial);
  if (header.method !== method.stored)
    throw hostile(`is a zip archive with compression method ${header.method}; stored and deflate are known`);
  if (header.sizesBehind) throw hostile('is a zip archive that says the length of its stored file too late');
  return stored(reader, header.packed);
}

async function* stored(reader: ByteReader, length: number): AsyncGenerator<Buffer> {
  for (let missing = length; missing > 0;) {
    const part = await reader.some(missing);
    if (part === undefined) throw damaged('ends in the middle');
    missing -= part.length;
    yield part;
  }
}

async function readRest(reader: ByteReader): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for (let chunk = await reader.next(); chunk !== undefined; chunk = await reader.next()) {
    chunks.push(Buffer.from(chunk));
    length += chunk.length;
    if (length > MOST_BEHIND) throw hostile('is a zip archive of more than one file');
  }
  return Buffer.concat(chunks);
}

function checkRest(rest: Buffer, start: number, { header, offset }: Entry, counted: Counted): void {
  let at = header.sizesBehind ? descriptorLength(rest, counted) : 0;
  if (!header.sizesBehind && !same(header, counted)) throw damaged('is damaged (wrong checksum or length)');
  while (signatureAt(rest, at) === signature.localFile) at = passFolder(rest, at);
  const directory = at;
  let entries = 0;
  let files = 0;
  for (; signatureAt(rest, at) === signature.centralFile; entries += 1) {
    if (rest.length < at + CENTRAL_LENGTH) throw damaged('ends in the middle');
    const found = parseCentral(rest.subarray(at));
    at += found.length;
    if (isFolder(found)) continue;
    files += 1;
    const agrees =
      same(found, counted) &&
      found.offset === offset &&
      found.method === header.method &&
      found.name.equals(header.name);
    if (files > 1 || !agrees) throw contradicts();
  }
  if (files === 0) throw damaged('has no zip directory where it is due');
  checkEnd(rest, at, start + directory, entries);
}

const same = (a: Counted, b: Counted): boolean =>
  a.crc === b.crc && a.packed === b.packed && a.unpacked === b.unpacked;

/** With or without a signature of its own, with sizes of 4 or 8 bytes: the one that tells what was counted. */
function descriptorLength(rest: Buffer, { crc, packed, unpacked }: Counted): number {
  for (const signed of [true, false]) {
    for (const wide of [false, true]) {
      const told = Buffer.alloc((signed ? 4 : 0) + (wide ? 20 : 12));
      let at = signed ? told.writeUInt32LE(signature.descriptor) : 0;
      at = told.writeUInt32LE(crc, at);
      for (const size of [packed, unpacked]) {
        at = wide ? told.writeBigUInt64LE(BigInt(size), at) : told.writeUInt32LE(size % 2 ** 32, at);
      }
      if (rest.subarray(0, told.length).equals(told)) return told.length;
    }
  }
  throw damaged('is damaged (wrong checksum or length)');
}

function passFolder(rest: Buffer, at: number): number {
  const fixed = rest.subarray(at, at + LOCAL_LENGTH);
  if (fixed.length < LOCAL_LENGTH) throw damaged('ends in the middle');
  const end = at + LOCAL_LENGTH + localTail(fixed);
  const header = parseLocal(fixed, rest.subarray(at + LOCAL_LENGTH, end));
  if (!isFolder(header)) throw hostile('is a zip archive of more than one file');
  if (header.packed > 0 || header.sizesBehind) throw contradicts();
  return end;
}
