/** Bytes that a copy needs on a pool during its deployment. */
import type { CopyPlan } from './payloads.ts';
import type { Compression } from './source.ts';

export interface Packed {
  /** Bytes of the file as transferred. */
  readonly size: number;
  /** Bytes that a VM sees; 0 when unknown. */
  readonly virtualSize: number;
  readonly compression: Compression | null;
  /** Bytes that a packed file says to unpack to; 0 when it says nothing. */
  readonly unpackedSize: number;
}

/**
 * Zeros of an unpacked image take no room, and the rest is seldom packed to less than a tenth. Without this limit, a nearly
 * empty disk of 10 TB would wait for 10 TB of room.
 */
const USUAL_RATIO = 10;

/** Bytes of the packed file and of the image, which lie beside each other until the image is published. */
export function plannedBytes({ size, virtualSize, compression, unpackedSize }: Packed): number {
  if (compression === null) return size;
  const announced = unpackedSize || virtualSize || Infinity;
  return size + Math.min(announced, size * USUAL_RATIO);
}

/** @param plan of a deployment; `planned` is absent in those of earlier releases */
export const bytesOfPlan = ({ planned, size }: Pick<CopyPlan, 'planned' | 'size'>): number => planned ?? size;

/** What a pool has, and what a copy needs of it. */
export interface Room {
  readonly granted: boolean;
  readonly poolName: string;
  /** Bytes that the copy still has to write. */
  readonly needed: number;
  /** Bytes free on the pool, by its last report. */
  readonly free: number;
  /** Of the free bytes, those reserved for other copies and not yet written. */
  readonly reserved: number;
}

export const describeNoRoom = ({ poolName, needed, free, reserved }: Room): string =>
  `pool ${poolName} has no room: ${mebibytes(needed)} needed, ${mebibytes(free)} free, ` +
  `of which other downloads have reserved ${mebibytes(reserved)}`;

const mebibytes = (bytes: number): string => `${Math.ceil(bytes / 1_048_576)} MiB`;
