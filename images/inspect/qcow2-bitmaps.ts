/** The dirty bitmaps of a qcow2 file, where they are allowed. */
import { refuse } from './qcow2.ts';
import type { BitmapDirectory } from './qcow2-extensions.ts';
import { claimRegion } from './qcow2-walk.ts';
import type { Walk } from './qcow2-walk.ts';
import { eachEntry, readAt } from '../reader.ts';

const ENTRY = 24;
const RESERVED_FLAGS = 0xffff_fff8;
const DIRTY_TRACKING = 1;
/** Maximum number of table entries of all bitmaps together. */
const MAX_ENTRIES = 4 * 1_048_576;

/** @throws ImageError HostileImage when a bitmap is not within the file, or overlaps another table */
export async function claimBitmaps(walk: Walk, directory: BitmapDirectory): Promise<void> {
  claimRegion(walk, 'bitmap directory', directory);
  const bytes = await readAt(walk.file, directory.offset, directory.length);
  let at = 0;
  let room = MAX_ENTRIES;
  for (let count = 0; count < directory.count; count += 1) {
    if (at + ENTRY > bytes.length) throw refuse('has a bitmap directory that ends too early');
    const entries = bytes.readUInt32BE(at + 8);
    const table = { offset: Number(bytes.readBigUInt64BE(at)), length: entries * 8 };
    if ((bytes.readUInt32BE(at + 12) & RESERVED_FLAGS) !== 0 || bytes.readUInt8(at + 16) !== DIRTY_TRACKING)
      throw refuse('has a bitmap of an unknown kind');
    room -= entries;
    if (room < 0) throw refuse('has more bitmaps than can be checked');
    claimRegion(walk, 'bitmap table', table);
    await claimData(walk, table.offset, entries);
    at += Math.ceil((ENTRY + bytes.readUInt32BE(at + 20) + bytes.readUInt16BE(at + 18)) / 8) * 8;
  }
}

async function claimData({ file, header, fileSize, window }: Walk, offset: number, entries: number) {
  await eachEntry(file, { offset, entries }, (high, low) => {
    const cluster = (high * 2 ** 32 + ((low & 0xffff_fe00) >>> 0)) / header.clusterSize;
    if (cluster === 0) return;
    if (!Number.isInteger(cluster) || (low & 0x1ff) !== 0) throw refuse('has a bitmap that is not aligned');
    if (cluster * header.clusterSize >= fileSize) throw refuse('has a bitmap beyond the end of the file');
    if (!window.claim(cluster)) throw refuse('has a bitmap where another table lies');
  });
}
