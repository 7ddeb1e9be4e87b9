/** The volume descriptors of an ISO 9660 image (ECMA-119, section 8) and of a UDF one (ECMA-167, part 2). */
import { ImageError } from '../../model/failures.ts';
import { counted } from '../../model/grammar.ts';
import type { IsoEvidence } from '../../model/evidence.ts';

const FIRST = 0x8000;
const DESCRIPTOR_LENGTH = 2048;
const type = { boot: 0, primary: 1, supplementary: 2, terminator: 255 } as const;
const EL_TORITO = 'EL TORITO SPECIFICATION';
const JOLIET: ReadonlySet<string> = new Set(['%/@', '%/C', '%/E']);

/** The descriptors' fields, unchecked. */
export function readIso(head: Buffer): IsoEvidence {
  const filesystems = new Set<string>();
  let label = '';
  let volumeSize = 0;
  let bootable = false;
  for (const descriptor of descriptors(head)) {
    const magic = magicOf(descriptor);
    if (magic === 'NSR02' || magic === 'NSR03') filesystems.add('UDF');
    if (magic !== 'CD001') continue;
    const kind = descriptor.readUInt8(0);
    if (kind === type.boot) bootable ||= descriptor.toString('latin1', 7, 7 + EL_TORITO.length) === EL_TORITO;
    if (kind === type.supplementary && JOLIET.has(descriptor.toString('latin1', 88, 91)))
      filesystems.add('Joliet');
    if (kind !== type.primary || filesystems.has('ISO 9660')) continue;
    filesystems.add('ISO 9660');
    label = text(descriptor.subarray(40, 72));
    volumeSize = sizeOf(descriptor);
  }
  return { label, volumeSize, filesystems: [...filesystems], bootable };
}

/**
 * Checks that there is a volume, and that it lies within the file.
 * @param fileSize bytes; without it only the descriptors themselves are looked at
 * @throws ImageError HostileImage when the file is cut short or has no volume
 */
export function checkIso(head: Buffer, fileSize?: number): void {
  if (head.length < FIRST + DESCRIPTOR_LENGTH) throw refuse('has no whole volume descriptor');
  const primary = descriptors(head).find(isPrimary);
  if (primary === undefined) {
    if (!readIso(head).filesystems.includes('UDF')) throw refuse('has no primary volume descriptor');
    return;
  }
  const block = primary.readUInt16LE(128);
  if (block < 512 || block > 2048 || (block & (block - 1)) !== 0)
    throw refuse(`has blocks of ${counted(block, 'byte')}`);
  if (primary.readUInt32LE(80) === 0) throw refuse('has a volume of no blocks');
  if (fileSize === undefined) return;
  const root = primary.readUInt32LE(158) * block + primary.readUInt32LE(166);
  const bytes = Math.max(sizeOf(primary), root);
  if (bytes > fileSize) {
    throw refuse(`says that it has ${counted(bytes, 'byte')}, but the file has ${fileSize}: it is cut short`);
  }
}

const isPrimary = (descriptor: Buffer): boolean =>
  descriptor.readUInt8(0) === type.primary && descriptor.toString('latin1', 1, 6) === 'CD001';

const sizeOf = (primary: Buffer): number => primary.readUInt32LE(80) * primary.readUInt16LE(128);

/** Those of ISO 9660 up to their terminator, and the few of UDF that follow them, as far as the head reaches. */
function descriptors(head: Buffer): readonly Buffer[] {
  const found: Buffer[] = [];
  const step = distance(head);
  let terminated = false;
  for (let at = FIRST; at + DESCRIPTOR_LENGTH <= head.length; at += step) {
    const descriptor = head.subarray(at, at + DESCRIPTOR_LENGTH);
    const magic = magicOf(descriptor);
    if (magic === 'CD001' && !terminated) found.push(descriptor);
    else if (UDF.test(magic)) found.push(descriptor);
    else break;
    terminated ||= magic === 'CD001' && descriptor.readUInt8(0) === type.terminator;
  }
  return found;
}

const UDF = /^(?:BEA01|NSR0[23]|BOOT2|TEA01)$/;

const magicOf = (descriptor: Buffer): string => descriptor.toString('latin1', 1, 6);

/** Of the descriptors of UDF from each other: they stand in blocks of their own, of 2,048 bytes at least. */
function distance(head: Buffer): number {
  const sizes = [DESCRIPTOR_LENGTH, 4096, 8192, 16_384];
  const isUdf = UDF.test(magicOf(head.subarray(FIRST)));
  const next = sizes.find((size) => UDF.test(magicOf(head.subarray(FIRST + size))));
  return isUdf && next !== undefined ? next : DESCRIPTOR_LENGTH;
}

const text = (bytes: Buffer): string =>
  bytes
    .toString('latin1')
    .replace(/[^\x20-\x7e]+/g, ' ')
    .trim();

const refuse = (sentence: string): ImageError => new ImageError('HostileImage', `the ISO image ${sentence}`);
