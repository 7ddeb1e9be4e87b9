/** How much room a copy needs on a pool while it is made. */
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
 * Of what is unpacked, zeros take no room. What is left of an image is seldom packed to less than a tenth; a disk of
 * 10 TB that is nearly empty must not wait for 10 TB.
 */
const USUAL_RATIO = 10;

/** Bytes of the packed file and of the image, which lie beside each other until the image is published. */
export function plannedBytes({ size, virtualSize, compression, unpackedSize }: Packed): number {
  if (compression === null) return size;
  const told = unpackedSize || virtualSize || Infinity;
  return size + Math.min(told, size * USUAL_RATIO);
}
