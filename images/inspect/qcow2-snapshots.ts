/** The internal snapshots of a qcow2 file, where they are allowed. */
import { counted } from '../../model/grammar.ts';
import { refuse } from './qcow2.ts';
import type { Region } from './qcow2.ts';
import type { Walk } from './qcow2-walk.ts';
import { readAt } from '../reader.ts';

const ENTRY = 40;
const MAX_EXTRA = 1024;
const MAX_L1_BYTES = 32 * 1_048_576;
/** Version 3: the size of the VM state and of the disk. */
const V3_EXTRA = 16;

export interface Snapshots {
  /** The snapshot table; empty when there are no snapshots. */
  readonly table: Region;
  /** Their L1 tables. */
  readonly l1: readonly Region[];
}

/** @throws ImageError HostileImage when the snapshot table or an L1 table is not within the file */
export async function readSnapshots({ file, header, fileSize }: Walk): Promise<Snapshots> {
  const tables: Region[] = [];
  if (header.snapshots === 0) return { table: { offset: 0, length: 0 }, l1: [] };
  let at = header.snapshotsOffset;
  const entry = Buffer.alloc(ENTRY);
  while (tables.length < header.snapshots) {
    if ((await readAt(file, at, ENTRY, entry)).length < ENTRY) throw refuse(BEYOND);
    const extra = entry.readUInt32BE(36);
    if (extra > MAX_EXTRA || (header.version === 3 && extra < V3_EXTRA))
      throw refuse(`has a snapshot with ${counted(extra, 'byte')} of extra data`);
    const l1 = { offset: Number(entry.readBigUInt64BE(0)), length: entry.readUInt32BE(8) * 8 };
    if (l1.length > MAX_L1_BYTES)
      throw refuse(`has a snapshot with an L1 table of ${counted(l1.length / 8, 'entry')}`);
    tables.push(l1);
    const names = entry.readUInt16BE(12) + entry.readUInt16BE(14);
    at += Math.ceil((ENTRY + extra + names) / 8) * 8;
    // The padding of the last entry may be absent.
    if (at - 7 > fileSize) throw refuse(BEYOND);
  }
  const length = Math.min(at, fileSize) - header.snapshotsOffset;
  return { table: { offset: header.snapshotsOffset, length }, l1: tables };
}

const BEYOND = 'has a list of snapshots beyond the end of the file: it is cut short, or lies';
