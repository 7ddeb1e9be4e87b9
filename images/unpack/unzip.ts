/**
 * Unpacks the image of a zip archive as a stream. Local headers precede their files; the directory comes last and
 * must agree with them. Folders are skipped, and so are a few small companion files (texts, signatures); links and
 * further files are refused. No name in the archive becomes a path.
 */
import { crc32 } from 'node:zlib';
import { ByteReader } from './byte-reader.ts';
import { damaged, hostile } from './failures.ts';
import { inflateRaw } from './inflate.ts';
import { imageOf, isCompanion, MAX_DIRECTORY, moreThanOne, parseDirectory } from './zip-directory.ts';
import {
  contradicts,
  isFolder,
  LOCAL_LENGTH,
  localTail,
  method,
  parseLocal,
  signature,
} from './zip-records.ts';
import type { CentralFile, LocalFile } from './zip-records.ts';

/** Maximum unpacked bytes of all companion files. */
const MAX_COMPANION_BYTES = 16 * 1_048_576;
const MAX_FILES = 1000;
const MAX_DESCRIPTOR = 24;

interface Counted {
  readonly crc: number;
  readonly packed: number;
  readonly unpacked: number;
}

interface Entry extends Counted {
  readonly header: LocalFile;
  readonly offset: number;
}

export async function* unzip(packed: AsyncIterable<Buffer>, partial = false): AsyncGenerator<Buffer> {
  const reader = new ByteReader(packed);
  const entries: Entry[] = [];
  let images = 0;
  let companionBytes = 0;
  for (let next = await nextHeader(reader); next !== undefined; next = await nextHeader(reader)) {
    const { header, offset } = next;
    if (isFolder(header)) {
      if (header.packed > 0 || header.sizesBehind) throw contradicts();
      continue;
    }
    const isImage = !isCompanion(header.name);
    if (isImage && (images += 1) > 1) throw moreThanOne();
    const begin = reader.position;
    let [crc, unpacked] = [0, 0];
    for await (const chunk of content(header, reader, partial)) {
      crc = crc32(chunk, crc);
      unpacked += chunk.length;
      if (isImage) yield chunk;
      else if ((companionBytes += chunk.length) > MAX_COMPANION_BYTES)
        throw hostile(`is a zip archive with more than ${MAX_COMPANION_BYTES} bytes beside its image`);
    }
    const counted = { crc, unpacked, packed: reader.position - begin };
    await checkCounted(reader, header, counted);
    entries.push({ header, offset, ...counted });
    if (entries.length > MAX_FILES) throw hostile(`is a zip archive of more than ${MAX_FILES} files`);
  }
  const start = reader.position;
  checkDirectory(parseDirectory(await readRest(reader), start), entries);
}

/** Reads the next local header. @returns undefined where the directory begins */
async function nextHeader(
  reader: ByteReader,
): Promise<{ readonly header: LocalFile; readonly offset: number } | undefined> {
  const offset = reader.position;
  const first = await reader.upTo(4);
  const isLocal = first.length === 4 && first.readUInt32LE(0) === signature.localFile;
  if (!isLocal && offset === 0) throw hostile('is a zip archive without a file');
  if (!isLocal) {
    reader.unread(first);
    return undefined;
  }
  const fixed = Buffer.concat([first, await reader.read(LOCAL_LENGTH - 4)]);
  return { header: parseLocal(fixed, await reader.read(localTail(fixed))), offset };
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
  const rest = await reader.upTo(MAX_DIRECTORY + 1);
  if (rest.length > MAX_DIRECTORY)
    throw hostile(`is a zip archive with more than ${MAX_DIRECTORY} bytes behind its files`);
  return rest;
}

async function checkCounted(reader: ByteReader, header: LocalFile, counted: Counted): Promise<void> {
  if (header.sizesBehind) {
    const behind = await reader.upTo(MAX_DESCRIPTOR);
    reader.unread(behind.subarray(descriptorLength(behind, counted)));
  } else if (!same(header, counted)) throw damaged('is damaged (wrong checksum or length)');
}

function checkDirectory(files: readonly CentralFile[], entries: readonly Entry[]): void {
  const listed = files.filter((file) => !isFolder(file));
  if (listed.length !== entries.length) throw contradicts();
  for (const { header, offset, ...counted } of entries) {
    const file = listed.find((each) => each.offset === offset);
    const agrees =
      file !== undefined &&
      same(file, counted) &&
      file.method === header.method &&
      file.name.equals(header.name);
    if (!agrees) throw contradicts();
  }
  imageOf(files);
}

const same = (a: Counted, b: Counted): boolean =>
  a.crc === b.crc && a.packed === b.packed && a.unpacked === b.unpacked;

/**
 * Length of a data descriptor. It comes with or without a signature and with sizes of 4 or 8 bytes; the form that
 * matches the counted values is the right one.
 */
function descriptorLength(bytes: Buffer, { crc, packed, unpacked }: Counted): number {
  for (const signed of [true, false]) {
    for (const wide of [false, true]) {
      const expected = Buffer.alloc((signed ? 4 : 0) + (wide ? 20 : 12));
      let at = signed ? expected.writeUInt32LE(signature.descriptor) : 0;
      at = expected.writeUInt32LE(crc, at);
      for (const size of [packed, unpacked]) {
        at = wide ? expected.writeBigUInt64LE(BigInt(size), at) : expected.writeUInt32LE(size % 2 ** 32, at);
      }
      if (bytes.subarray(0, expected.length).equals(expected)) return expected.length;
    }
  }
  throw damaged('is damaged (wrong checksum or length)');
}
