/** Checks the reference counts of a qcow2 file: a count that is too low lets QEMU overwrite data. */
import { refuse } from './qcow2.ts';
import type { Walk } from './qcow2-walk.ts';
import { eachEntry, readAt } from '../reader.ts';

const offsetOf = (high: number, low: number): number => high * 2 ** 32 + low;

/** @throws ImageError HostileImage when a refcount block is outside the file, or shares its cluster */
export async function claimRefcountBlocks({ file, header, fileSize, window }: Walk): Promise<void> {
  const { offset, length } = header.refcountTable;
  await eachEntry(file, { offset, entries: length / 8 }, (high, low) => {
    const block = offsetOf(high, low);
    if (block % header.clusterSize !== 0)
      throw refuse('has a refcount block that is not aligned to a cluster');
    if (block >= fileSize)
      throw refuse('has a refcount block beyond the end of the file: it is cut short, or lies');
    if (!window.claim(block / header.clusterSize))
      throw refuse('has a refcount block where another table lies');
  });
}

/** @throws ImageError HostileImage when a cluster of the window has more users than its reference count */
export async function checkCounts(walk: Walk): Promise<void> {
  const read = createCountReader(walk);
  const known = { block: -1, counts: undefined as Counts | undefined };
  const perBlock = countsPerBlock(walk);
  for (const { cluster, uses, inPlace } of walk.window.usages()) {
    const block = Math.floor(cluster / perBlock);
    if (block !== known.block) {
      known.counts = await read(block);
      known.block = block;
    }
    const counted = known.counts?.(cluster % perBlock) ?? 0;
    if (counted < uses) {
      throw refuse(
        `counts ${counted} users of cluster ${cluster}, which has ${uses}: its refcounts are broken`,
      );
    }
    if (inPlace && counted !== 1) {
      throw refuse(`has ${counted} users of cluster ${cluster}, but says one: its refcounts are broken`);
    }
  }
}

type Counts = (index: number) => number;

const countsPerBlock = ({ header }: Walk): number => (header.clusterSize * 8) / header.refcountBits;

function createCountReader({ file, header }: Walk): (block: number) => Promise<Counts | undefined> {
  const { refcountTable, clusterSize, refcountBits } = header;
  const pointer = Buffer.alloc(8);
  const buffer = Buffer.alloc(clusterSize);
  return async (block) => {
    if (block >= refcountTable.length / 8) return undefined;
    await readAt(file, refcountTable.offset + block * 8, 8, pointer);
    const offset = offsetOf(pointer.readUInt32BE(0), pointer.readUInt32BE(4));
    if (offset === 0) return undefined;
    // A block at the end of the file may be incomplete.
    buffer.fill(0);
    await readAt(file, offset, clusterSize, buffer);
    return (index) => countAt(buffer, index, refcountBits);
  };
}

/** Numbers above 2^53 lose their last digits, which no check needs. */
function countAt(block: Buffer, index: number, bits: number): number {
  if (bits >= 8) {
    const at = (index * bits) / 8;
    return bits === 64 ? Number(block.readBigUInt64BE(at)) : block.readUIntBE(at, bits / 8);
  }
  const byte = block.readUInt8(Math.floor((index * bits) / 8));
  return (byte >> ((index * bits) % 8)) & (2 ** bits - 1);
}
