/** The entries of L2 tables: the place of the disk's data in the file. */
import { refuse } from './qcow2.ts';
import type { Walk } from './qcow2-walk.ts';

interface EntryCounts {
  readonly l2Tables: number;
  readonly dataClusters: number;
  readonly compressedClusters: number;
  readonly zeroClusters: number;
}

export interface EntryReader {
  /** @throws ImageError HostileImage when an entry points outside the file or at a table */
  table(bytes: Buffer): void;
  counted(): EntryCounts;
}

const COMPRESSED = 0x4000_0000;
const STANDARD_RESERVED = 0x3f00_0000;
const ZERO = 1;

export function createEntryReader(walk: Walk): EntryReader {
  const { header } = walk;
  const step = header.extendedL2 ? 16 : 8;
  const compressed = createCompressedReader(walk);
  let l2Tables = 0;
  let dataClusters = 0;
  let compressedClusters = 0;
  let zeroClusters = 0;

  return {
    table(bytes) {
      l2Tables += 1;
      for (let at = 0; at + step <= bytes.length; at += step) {
        const high = bytes.readUInt32BE(at);
        const low = bytes.readUInt32BE(at + 4);
        const bitmap = header.extendedL2
          ? { zero: bytes.readUInt32BE(at + 8), allocated: bytes.readUInt32BE(at + 12) }
          : undefined;
        if ((high & COMPRESSED) !== 0) {
          if (bitmap !== undefined && (bitmap.zero | bitmap.allocated) !== 0)
            throw refuse('has a compressed cluster with subclusters');
          compressed(high, low);
          compressedClusters += 1;
        } else if ((high | low) !== 0 || bitmap !== undefined) {
          const kind = readStandard(walk, high, low, bitmap);
          if (kind === 'data') dataClusters += 1;
          if (kind === 'zero') zeroClusters += 1;
        }
      }
    },
    counted: () => ({ l2Tables, dataClusters, compressedClusters, zeroClusters }),
  };
}

interface Subclusters {
  readonly zero: number;
  readonly allocated: number;
}

function readStandard(
  { header, fileSize, window }: Walk,
  high: number,
  low: number,
  bitmap: Subclusters | undefined,
): 'data' | 'zero' | 'none' {
  const { clusterSize, version } = header;
  const reserved = version === 2 || bitmap !== undefined ? 0x1ff : 0x1fe;
  if ((high & STANDARD_RESERVED) !== 0 || (low & reserved) !== 0)
    throw refuse('has an L2 entry with reserved bits');
  if (bitmap !== undefined && (bitmap.zero & bitmap.allocated) !== 0)
    throw refuse('has a subcluster that is zero and data at once');
  const zero = bitmap === undefined ? (low & ZERO) !== 0 : bitmap.allocated === 0;
  const inPlace = high >>> 31 === 1;
  const offset = (high & 0x00ff_ffff) * 2 ** 32 + ((low & 0xffff_fe00) >>> 0);
  if (offset === 0) {
    if (inPlace) throw refuse('maps its own header into the disk');
    if (bitmap !== undefined && bitmap.allocated !== 0) throw refuse('has data in a cluster that is nowhere');
    return zero && (bitmap === undefined || bitmap.zero !== 0) ? 'zero' : 'none';
  }
  if (offset % clusterSize !== 0) throw refuse('maps a cluster that is not aligned');
  // The last cluster may be incomplete: bytes beyond the end of the file read as zeros.
  if (offset >= fileSize) throw refuse(CUT_SHORT);
  if (!window.use(offset / clusterSize, inPlace)) throw refuse(OVER_TABLES);
  return zero ? 'zero' : 'data';
}

/** One word holds both the offset of compressed data and its number of sectors. */
function createCompressedReader({ header, fileSize, window }: Walk): (high: number, low: number) => void {
  const { clusterSize } = header;
  const offsetBits = 62 - (Math.log2(clusterSize) - 8);
  const split = offsetBits - 32;
  const highMask = 2 ** split - 1;

  return (high, low) => {
    if (high >>> 31 === 1) throw refuse('has a compressed cluster that is to be written in place');
    const offset = (high & highMask) * 2 ** 32 + low;
    const sectors = ((high & 0x3fff_ffff) >>> split) + 1;
    const end = Math.floor(offset / 512) * 512 + sectors * 512;
    if (offset === 0) throw refuse('maps its own header into the disk');
    // The last sectors may be incomplete: the data ends when it fills a cluster.
    if (offset >= fileSize || end - fileSize >= clusterSize) throw refuse(CUT_SHORT);
    const last = Math.floor((end - 1) / clusterSize);
    for (let cluster = Math.floor(offset / clusterSize); cluster <= last; cluster += 1)
      if (!window.use(cluster, false)) throw refuse(OVER_TABLES);
  };
}

const CUT_SHORT = 'maps data beyond the end of the file: it is cut short, or lies';
const OVER_TABLES = 'maps its own tables into the disk, where a VM could rewrite them';
