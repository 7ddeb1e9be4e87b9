/**
 * What the header of a disk says, by the QEMU specification (docs/interop/qcow2.txt). A disk on a shared pool may have been
 * replaced by another program, so its header is read before QEMU opens the file.
 */
import type { FileHandle } from 'node:fs/promises';
import { readAt } from '../images/reader.ts';
import { ImageError } from '../model/failures.ts';

export interface DiskHeader {
  /** Bytes that a guest sees. */
  readonly virtualSize: number;
  /** The name of the file that it stands on, relative to it. */
  readonly backingName?: string;
}

const MAGIC = 0x51_46_49_fb;
const LENGTH = 80;
const MAX_NAME = 1023;
/** Its content is in another file. */
const DATA_FILE = 4n;

/**
 * @param path for people
 * @throws ImageError DiskBroken when the file is no qcow2 disk of its own
 */
export async function readDiskHeader(file: FileHandle, path: string): Promise<DiskHeader> {
  const head = await readAt(file, 0, LENGTH);
  if (head.length < LENGTH || head.readUInt32BE(0) !== MAGIC)
    throw refuse(path, 'is not the disk of a machine');
  if (head.readUInt32BE(4) >= 3 && (head.readBigUInt64BE(72) & DATA_FILE) !== 0n)
    throw refuse(path, 'has its content in another file');
  const nameAt = Number(head.readBigUInt64BE(8));
  const nameLength = head.readUInt32BE(16);
  const virtualSize = Number(head.readBigUInt64BE(24));
  if (nameAt === 0) return { virtualSize };
  if (nameLength > MAX_NAME) throw refuse(path, 'has a damaged header');
  return { virtualSize, backingName: (await readAt(file, nameAt, nameLength)).toString() };
}

/** Types of header extensions: the end of the list, and the name of a file with the content. */
const [LAST, DATA_NAME] = [0, 0x44_41_54_41];
const MAX_EXTENSIONS = 32;

/**
 * The names of the files that a disk needs beside itself, whatever state it is in; none of a file that is no qcow2 disk. A name
 * is relative to the disk unless it is absolute.
 */
export async function readReferences(file: FileHandle): Promise<readonly string[]> {
  const head = await readAt(file, 0, 104);
  if (head.length < LENGTH || head.readUInt32BE(0) !== MAGIC) return [];
  const names: string[] = [];
  const [nameAt, nameLength] = [Number(head.readBigUInt64BE(8)), head.readUInt32BE(16)];
  if (nameAt !== 0 && nameLength <= MAX_NAME && Number.isSafeInteger(nameAt))
    names.push((await readAt(file, nameAt, nameLength)).toString());
  if (head.readUInt32BE(4) < 3 || head.length < 104) return names;
  let at = head.readUInt32BE(100);
  for (let count = 0; count < MAX_EXTENSIONS; count += 1) {
    const extension = await readAt(file, at, 8);
    if (extension.length < 8) break;
    const [type, length] = [extension.readUInt32BE(0), extension.readUInt32BE(4)];
    if (type === LAST) break;
    if (type === DATA_NAME && length <= MAX_NAME) names.push((await readAt(file, at + 8, length)).toString());
    at += 8 + Math.ceil(length / 8) * 8;
  }
  return names;
}

const refuse = (path: string, what: string): ImageError =>
  new ImageError('DiskBroken', `${path} ${what}: another program changed it`, { path });
