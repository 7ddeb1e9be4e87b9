/** The primary volume descriptor of an ISO 9660 image (ECMA-119, section 8.4). */
import { ImageError } from '../../model/failures.ts';

const DESCRIPTOR = 0x8000;
const DESCRIPTOR_LENGTH = 2048;
const PRIMARY = 1;

/**
 * Checks that the volume which the descriptor promises lies within the file.
 * @param fileSize bytes; without it only the descriptor itself is looked at
 * @throws ImageError HostileImage when the file is cut short
 */
export function checkIso(head: Buffer, fileSize?: number): void {
  const descriptor = head.subarray(DESCRIPTOR, DESCRIPTOR + DESCRIPTOR_LENGTH);
  if (descriptor.length < DESCRIPTOR_LENGTH) throw cutShort('has no whole volume descriptor');
  // A UDF bridge may begin with another descriptor; only a primary one tells the size.
  if (descriptor.readUInt8(0) !== PRIMARY || fileSize === undefined) return;
  const bytes = descriptor.readUInt32LE(80) * descriptor.readUInt16LE(128);
  if (bytes > fileSize) throw cutShort(`says that it has ${bytes} bytes, but the file has ${fileSize}`);
}

const cutShort = (sentence: string): ImageError =>
  new ImageError('HostileImage', `the ISO image ${sentence}`);
