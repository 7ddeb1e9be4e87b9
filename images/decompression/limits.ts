/** What unpacking allows; each is a setting. */
import { maxVirtualSize } from '../inspection/limits.ts';
import type { InspectionLimits } from '../inspection/limits.ts';

export interface UnpackSettings {
  /** Unpacked bytes for each packed one; default 500. Small files may be more. */
  readonly maxRatio?: number;
  /** Folders to look for programs in, as in PATH; default those of this process. */
  readonly path?: string;
}

const MIB = 1_048_576;
const RATIO = 500;
/** Up to so many bytes no ratio is too much. */
const SMALL = 256 * MIB;
/** Of a qcow2 file beside the disk that is in it. */
const QCOW2_TABLES = 64 * MIB;

/** Bytes that a file may unpack to, as far as its packed length tells. */
export const mostByRatio = (packed: number, { maxRatio = RATIO }: UnpackSettings): number =>
  Math.max(SMALL, packed * maxRatio);

/** Bytes that an image may have. A qcow2 file may hold unused clusters, but not more of them than used ones. */
export const mostByDisk = (virtualSize: number | undefined, limits: InspectionLimits): number =>
  (virtualSize === undefined ? maxVirtualSize(limits) : 2 * virtualSize) + QCOW2_TABLES;
