/**
 * Checks the tables of a complete qcow2 file: every pointer must lead to a cluster within the file, no table may be used twice
 * or be mapped into the disk (a VM could rewrite its own header there), and no cluster may have more users than its
 * reference count.
 *
 * One table is in memory at a time. The users of clusters are counted within a window of the file; a file with more
 * clusters is walked once for each window.
 */
import type { FileHandle } from 'node:fs/promises';
import type { Qcow2Tables } from '../../model/evidence.ts';
import { ClusterWindow, WINDOW } from './cluster-window.ts';
import type { InspectionLimits } from './limits.ts';
import { maxVirtualSize } from './limits.ts';
import { checkPlace, mappedByL2, refuse } from './qcow2.ts';
import type { Qcow2Header, Region } from './qcow2.ts';
import { claimBitmaps } from './qcow2-bitmaps.ts';
import { createEntryReader } from './qcow2-entries.ts';
import { claimRegion } from './qcow2-walk.ts';
import type { Walk } from './qcow2-walk.ts';
import type { EntryReader } from './qcow2-entries.ts';
import { checkCounts, claimRefcountBlocks } from './qcow2-refcounts.ts';
import { readSnapshots } from './qcow2-snapshots.ts';
import { eachEntry, isZero, readAt } from '../reader.ts';

/** Maximum number of L2 tables read for one window: a full disk of 16 TiB has 32,768 in clusters of 64 KiB, one of 2 TiB a million in 4 KiB. */
const MAX_L2_TABLES = 1_048_576;
/** Maximum bytes of L2 tables. */
const MAX_L2_BYTES = 16 * 2 ** 30;

/** @throws ImageError HostileImage with a sentence that says why */
export async function checkQcow2Tables(
  file: FileHandle,
  header: Qcow2Header,
  fileSize: number,
  limits: InspectionLimits = {},
): Promise<Qcow2Tables> {
  const clusters = Math.ceil(fileSize / header.clusterSize);
  const window = new ClusterWindow(clusters);
  const walk: Walk = { file, header, fileSize, window };
  // No window lists a table twice, which bounds the bytes that a walk reads.
  if (clusters > WINDOW) await window.each(async () => void (await claimTables(walk, limits)));
  let counted: Qcow2Tables | undefined;
  await window.each(async () => {
    const tables = await walkOnce(walk, limits);
    counted ??= tables;
  });
  return counted ?? { l2Tables: 0, dataClusters: 0, compressedClusters: 0, zeroClusters: 0 };
}

async function walkOnce(walk: Walk, limits: InspectionLimits): Promise<Qcow2Tables> {
  const snapshots = await claimTables(walk, limits);
  const budget = { tables: MAX_L2_TABLES, bytes: MAX_L2_BYTES };
  const entries = createEntryReader(walk);
  await walkL2Tables(walk, walk.header.l1, entries, budget);
  const counted = entries.counted();
  for (const l1 of snapshots) await walkL2Tables(walk, l1, entries, budget);
  await checkCounts(walk);
  return { ...counted, l2Tables: entries.counted().l2Tables };
}

/**
 * Claims every table before any data is looked at, so that data over a table is found in whatever order they are in the file.
 * @returns the L1 tables of the snapshots
 */
async function claimTables(walk: Walk, limits: InspectionLimits): Promise<readonly Region[]> {
  const { header, window } = walk;
  window.claim(0);
  claimRegion(walk, 'L1 table', header.l1);
  claimRegion(walk, 'refcount table', header.refcountTable);
  await claimRefcountBlocks(walk);
  const snapshots = await readSnapshots(walk);
  if (snapshots.table.length > 0) claimRegion(walk, 'snapshot table', snapshots.table);
  for (const l1 of snapshots.l1) claimRegion(walk, 'L1 table of a snapshot', l1);
  if (header.bitmaps !== undefined) await claimBitmaps(walk, header.bitmaps);
  const mostL1 = Math.ceil(Math.max(header.virtualSize, 2 * maxVirtualSize(limits)) / mappedByL2(header));
  await claimL2Tables(walk, header.l1, { active: true, mostL1 });
  for (const l1 of snapshots.l1) await claimL2Tables(walk, l1, { active: false, mostL1 });
  return snapshots.l1;
}

interface L1Use {
  readonly active: boolean;
  /** Entries from this index on map bytes beyond the largest allowed disk. */
  readonly mostL1: number;
}

async function claimL2Tables(walk: Walk, l1: Region, { active, mostL1 }: L1Use): Promise<void> {
  const { file, header, fileSize, window } = walk;
  const { clusterSize } = header;
  await eachEntry(file, { offset: l1.offset, entries: l1.length / 8 }, (high, low, index) => {
    if ((high & 0x7f00_0000) !== 0 || (low & 0x1ff) !== 0) throw refuse('has an L1 entry with reserved bits');
    if (index >= mostL1) throw refuse('maps more than a disk of an allowed size has');
    const offset = l2Offset(high, low);
    if (offset === 0) throw refuse('has an L1 entry that leads to its header');
    checkPlace('L2 table', { offset, length: clusterSize }, clusterSize, fileSize);
    const inPlace = active && high >>> 31 === 1;
    if (!window.claimL2(offset / clusterSize, active, inPlace))
      throw refuse('has an L2 table where another table lies');
  });
}

const l2Offset = (high: number, low: number): number => (high & 0x00ff_ffff) * 2 ** 32 + low;

async function walkL2Tables(
  { file, header }: Walk,
  l1: Region,
  entries: EntryReader,
  budget: { tables: number; bytes: number },
): Promise<void> {
  const { clusterSize } = header;
  const buffer = Buffer.allocUnsafe(clusterSize);
  await eachEntry(file, { offset: l1.offset, entries: l1.length / 8 }, async (high, low) => {
    budget.tables -= 1;
    budget.bytes -= clusterSize;
    if (budget.tables < 0 || budget.bytes < 0) throw refuse('has more tables than can be checked');
    const table = await readAt(file, l2Offset(high, low), clusterSize, buffer);
    entries.table(isZero(table) ? Buffer.alloc(0) : table);
  });
}
