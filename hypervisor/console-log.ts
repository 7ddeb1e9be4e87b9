/**
 * Logs of serial consoles. libvirt's virtlogd writes each (`<vm id>.log`) and turns it over when it is full: the older parts
 * are `.0`, `.1` and so on, the latest first. Where libvirt lets QEMU itself write (`stdio_handler = "file"`), nothing
 * limits the file, so `trim` does: it moves the end of a file that is too long to `.0` and empties the file, to which QEMU
 * appends.
 *
 * A reader asks for the last bytes and for how many there were in all. The parts do not show that, so a note beside them
 * (`<vm id>.json`) has the number of bytes before the part with a certain inode.
 */
import { constants } from 'node:fs';
import { readdir } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { message, readJson, text, whole } from '../model/messages/schema.ts';
import { openRegular, readShort, unlinkIfThere } from '../images/regular-files.ts';
import { isUuid, requireUuid } from '../images/uuid.ts';
import { replaceFile } from '../platform/replace-file.ts';
import { errnoOf } from '../platform/errno.ts';

export interface ConsoleLogs {
  pathOf(vmId: string): string;
  /** @returns the last bytes, and how many there were in all; nothing when there is no log */
  read(vmId: string, bytes: number): Promise<{ readonly output: Buffer; readonly size: number }>;
  /** Shortens logs that libvirt does not limit. */
  trim(): Promise<void>;
  /** @returns number of removed files */
  remove(vmId: string): Promise<number>;
}

/** More than virtlogd's limit, so that this one is for logs that virtlogd does not write. */
const MAX_LOG = 4 * 1024 * 1024;
const KEPT = 65_536;
const MAX_PARTS = 10;
const MAX_NOTE = 1024;

interface Note {
  readonly v: 1;
  readonly inode: string;
  /** Bytes that were written before those of the part with this inode. */
  readonly before: number;
}

const noteSchema = message<Note>({ v: z.literal(1), inode: text(), before: whole() });

interface Part {
  readonly file: FileHandle;
  readonly inode: string;
  readonly size: number;
}

export function openConsoleLogs(folder: string, maxLog = MAX_LOG): ConsoleLogs {
  const pathOf = (vmId: string): string => join(folder, `${requireUuid(vmId)}.log`);
  const notePath = (vmId: string): string => join(folder, `${requireUuid(vmId)}.json`);
  const readNote = async (vmId: string): Promise<Note | undefined> =>
    readJson(noteSchema, await readShort(notePath(vmId), MAX_NOTE)).value;
  const writeNote = (vmId: string, note: Note): Promise<void> =>
    replaceFile(notePath(vmId), JSON.stringify(note));

  /** Bytes before the oldest of these parts. */
  const bytesBefore = async (vmId: string, parts: readonly Part[]): Promise<number> => {
    const note = await readNote(vmId);
    const known = parts.findIndex(({ inode }) => inode === note?.inode);
    const newer = parts.slice(0, known + 1).reduce((sum, { size }) => sum + size, 0);
    const all = parts.reduce((sum, { size }) => sum + size, 0);
    // The noted part is gone, and its length with it: all parts that are left are newer.
    const before = note === undefined ? 0 : known === -1 ? note.before : note.before + newer - all;
    return Math.max(0, before);
  };

  const read: ConsoleLogs['read'] = async (vmId, bytes) => {
    const parts = await openParts(pathOf(vmId));
    try {
      const latest = parts[0];
      if (latest === undefined) return { output: Buffer.alloc(0), size: 0 };
      const before = await bytesBefore(vmId, parts);
      const size = before + parts.reduce((sum, part) => sum + part.size, 0);
      await writeNote(vmId, { v: 1, inode: latest.inode, before: size - latest.size });
      return { output: await lastBytes(parts, bytes), size };
    } finally {
      await Promise.all(parts.map(({ file }) => file.close()));
    }
  };

  const trimOne = async (vmId: string): Promise<void> => {
    const path = pathOf(vmId);
    const { output, size } = await read(vmId, KEPT);
    const file = await openRegular(path, constants.O_RDWR);
    try {
      const { ino } = await file.stat({ bigint: true });
      await replaceFile(`${path}.0`, output);
      await file.truncate(0);
      await writeNote(vmId, { v: 1, inode: String(ino), before: size });
    } finally {
      await file.close();
    }
  };

  return {
    pathOf,
    read,
    async trim() {
      for (const name of await namesIn(folder)) {
        const vmId = name.slice(0, -'.log'.length);
        if (!name.endsWith('.log') || !isUuid(vmId)) continue;
        if ((await lengthOf(join(folder, name))) > maxLog) await trimOne(vmId);
      }
    },
    async remove(vmId) {
      let count = 0;
      for (const name of await namesIn(folder)) {
        if (!name.startsWith(`${requireUuid(vmId)}.`)) continue;
        if (await unlinkIfThere(join(folder, name))) count += 1;
      }
      return count;
    },
  };
}

/** Parts of a log, the latest first. */
async function openParts(path: string): Promise<readonly Part[]> {
  const parts: Part[] = [];
  for (const suffix of ['', ...Array.from({ length: MAX_PARTS }, (_, index) => `.${index}`)]) {
    const part = await openPart(`${path}${suffix}`);
    if (part === undefined && suffix !== '') break;
    // While virtlogd turns a log over, its first part has no name for a moment.
    if (part !== undefined && !parts.some(({ inode }) => inode === part.inode)) parts.push(part);
    else await part?.file.close();
  }
  return parts;
}

async function openPart(path: string): Promise<Part | undefined> {
  try {
    const file = await openRegular(path, constants.O_RDONLY);
    const { ino, size } = await file.stat({ bigint: true });
    return { file, inode: String(ino), size: Number(size) };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function lastBytes(parts: readonly Part[], bytes: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let missing = bytes;
  for (const { file, size } of parts) {
    const length = Math.min(missing, size);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
    pieces.unshift(buffer.subarray(0, bytesRead));
    missing -= length;
    if (missing === 0) break;
  }
  return Buffer.concat(pieces);
}

const namesIn = (folder: string): Promise<readonly string[]> => readdir(folder).catch(() => []);

const lengthOf = async (path: string): Promise<number> => {
  const part = await openPart(path);
  await part?.file.close();
  return part?.size ?? 0;
};
