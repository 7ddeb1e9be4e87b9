/** Limits of unpacking; each is a setting. */
import { maxVirtualSize } from '../inspect/limits.ts';
import type { InspectionLimits } from '../inspect/limits.ts';

export interface UnpackSettings {
  /** Maximum unpacked bytes per packed byte; default 500. Up to 256 MiB of output are always allowed. */
  readonly maxRatio?: number;
  /** Folders to look for programs in, as in PATH; default those of this process. */
  readonly path?: string;
}

const MIB = 1_048_576;
const MAX_RATIO = 500;
/** Output bytes below which the ratio does not count. */
const ALWAYS_ALLOWED = 256 * MIB;
/** Maximum bytes of metadata in a qcow2 file. */
const QCOW2_TABLES = 64 * MIB;

/** Maximum unpacked bytes of a file, by its packed length. */
export const maxSizeByRatio = (packed: number, { maxRatio = MAX_RATIO }: UnpackSettings): number =>
  Math.max(ALWAYS_ALLOWED, packed * maxRatio);

/** Maximum bytes of an image file, by its virtual size. A qcow2 file may have as many unused clusters as used ones. */
export const maxSizeByDisk = (virtualSize: number | undefined, limits: InspectionLimits): number =>
  (virtualSize === undefined ? maxVirtualSize(limits) : 2 * virtualSize) + QCOW2_TABLES;
