/** Bytes that a copy needs on a pool during its deployment. */
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
