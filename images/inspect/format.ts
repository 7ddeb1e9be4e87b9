/** Recognises formats by their magic numbers. */
import { findForeign } from './foreign.ts';
import type { ForeignFormat } from './foreign.ts';
import { isKernel } from './kernel.ts';
import { bytesAt, hasBootSignature } from './magic.ts';
import type { FormatFamily, Magic, Matcher } from './magic.ts';
import { isText, isVmdkDescriptor, textLike } from './text.ts';

export type { FormatFamily } from './magic.ts';

type KnownFormat =
  | 'qcow2'
  | 'iso'
  | 'raw'
  | 'gpt'
  | 'mbr'
  | 'kernel'
  | 'qed'
  | 'vmdk'
  | 'vhd'
  | 'vhdx'
  | 'vdi'
  | 'parallels'
  | 'luks'
  | 'bochs'
  | 'cloop'
  | 'dmg'
  | 'udf'
  | 'gzip'
  | 'bzip2'
  | 'xz'
  | 'zstd'
  | 'zip'
  | 'html'
  | 'json'
  | 'xml'
  | 'git-lfs'
  | 'text'
  | 'empty';

export type ImageFormat = KnownFormat | ForeignFormat;

/** Bytes of the head: all magic numbers lie within them. */
export const HEAD_LENGTH = 65_536;
const ISO_MAGIC_OFFSET = 0x8001;

/** A disk of 4,096-byte sectors; in a qcow2 image those bytes may be of the guest. */
const isGptOf4k: Matcher = (head) => hasBootSignature(head) && bytesAt(4096, 'EFI PART')(head);

const IMAGES: readonly Magic<ImageFormat>[] = [
  { format: 'empty', family: 'text', name: 'an empty file', matches: (head) => head.length === 0 },
  { format: 'qcow2', family: 'disk', name: 'a qcow2 disk', matches: bytesAt(0, 'QFI\xfb') },
  { format: 'qed', family: 'disk', name: 'a QED disk', matches: bytesAt(0, 'QED\0') },
  {
    format: 'vmdk',
    family: 'disk',
    name: 'a VMDK disk',
    matches: (head) => bytesAt(0, 'KDMV', 'COWD')(head) || isVmdkDescriptor(head),
  },
  { format: 'vhdx', family: 'disk', name: 'a VHDX disk', matches: bytesAt(0, 'vhdxfile') },
  { format: 'vhd', family: 'disk', name: 'a VHD disk', matches: bytesAt(0, 'conectix') },
  { format: 'vdi', family: 'disk', name: 'a VDI disk', matches: bytesAt(0x40, [0x7f, 0x10, 0xda, 0xbe]) },
  {
    format: 'parallels',
    family: 'disk',
    name: 'a Parallels disk',
    matches: bytesAt(0, 'WithoutFreeSpace', 'WithouFreSpacExt'),
  },
  { format: 'bochs', family: 'disk', name: 'a Bochs disk', matches: bytesAt(0, 'Bochs Virtual HD Image') },
  { format: 'cloop', family: 'disk', name: 'a cloop image', matches: bytesAt(0, '#!/bin/sh\n#V2.0 Format') },
  { format: 'dmg', family: 'disk', name: 'a DMG image', matches: bytesAt(0, 'koly\0\0\0\x04') },
  { format: 'luks', family: 'disk', name: 'a LUKS volume', matches: bytesAt(0, 'LUKS\xba\xbe') },
  {
    format: 'iso',
    family: 'optical',
    name: 'an ISO 9660 image',
    matches: bytesAt(ISO_MAGIC_OFFSET, 'CD001'),
  },
  {
    format: 'udf',
    family: 'optical',
    name: 'a UDF image',
    matches: bytesAt(ISO_MAGIC_OFFSET, 'BEA01', 'NSR02', 'NSR03'),
  },
  { format: 'gzip', family: 'compressed', name: 'a gzip file', matches: bytesAt(0, [0x1f, 0x8b]) },
  {
    format: 'bzip2',
    family: 'compressed',
    name: 'a bzip2 file',
    matches: (head) => /^BZh[1-9]/.test(head.toString('latin1', 0, 4)),
  },
  { format: 'xz', family: 'compressed', name: 'an xz file', matches: bytesAt(0, '\xfd7zXZ\0') },
  {
    format: 'zstd',
    family: 'compressed',
    name: 'a zstd file',
    // A zstd file may begin with a skippable frame, as those of pzstd do.
    matches: (head) =>
      bytesAt(0, [0x28, 0xb5, 0x2f, 0xfd])(head) ||
      (bytesAt(1, [0x2a, 0x4d, 0x18])(head) && head.readUInt8(0) >> 4 === 5),
  },
  {
    format: 'zip',
    family: 'compressed',
    name: 'a zip archive',
    matches: bytesAt(0, 'PK\x03\x04', 'PK\x05\x06'),
  },
];

const TEXTS: readonly Magic<ImageFormat>[] = [
  {
    format: 'git-lfs',
    family: 'text',
    name: 'a Git LFS pointer',
    matches: textLike(/^version https:\/\/git-lfs/),
  },
  {
    format: 'html',
    family: 'text',
    name: 'an HTML page',
    matches: textLike(/^(?:<!--[^>]*-->\s*)?<(?:!doctype html|html|head|body)\b/i),
  },
  {
    format: 'xml',
    family: 'text',
    name: 'an XML document',
    matches: textLike(/^<(?:\?xml\b|[A-Za-z][\w:.-]*[\s>/])/),
  },
  {
    format: 'json',
    family: 'text',
    name: 'a JSON document',
    matches: textLike(/^(?:\{\s*(?:"[^\x00-\x1f]*|\})|\[\s*[{["\d\]])/),
  },
];

const DISKS: readonly Magic<ImageFormat>[] = [
  {
    format: 'gpt',
    family: 'plain',
    name: 'a raw disk with a GPT',
    matches: (head) => bytesAt(512, 'EFI PART')(head) || isGptOf4k(head),
  },
  { format: 'kernel', family: 'plain', name: 'a Linux kernel with a boot sector', matches: isKernel },
  { format: 'mbr', family: 'plain', name: 'a raw disk with an MBR', matches: hasBootSignature },
];

const RAW: Magic<ImageFormat> = { format: 'raw', family: 'plain', name: 'raw data', matches: () => true };

export interface FoundFormat {
  readonly format: ImageFormat;
  readonly family: FormatFamily;
  readonly name: string;
}

const TEXT: Magic<ImageFormat> = { format: 'text', family: 'text', name: 'a text', matches: isText };

/** All formats that the first bytes match, disks first; `raw` (or, where nothing else fits, `text`) when none does. */
export function matchFormats(head: Buffer): readonly FoundFormat[] {
  const matching = (magics: readonly Magic<ImageFormat>[]) => magics.filter(({ matches }) => matches(head));
  const foreign = findForeign(head);
  const others = foreign === undefined ? [] : [foreign];
  const found = [...matching(IMAGES), ...others, ...matching(TEXTS), ...matching(DISKS)];
  if (found.length > 0) return found;
  return [TEXT.matches(head) ? TEXT : RAW];
}

/**
 * The one name for a file's format. An ISO hybrid with a partition table is an ISO.
 * @param head the first HEAD_LENGTH bytes, or all when the file is shorter
 */
export const sniffFormat = (head: Buffer): ImageFormat => (matchFormats(head)[0] ?? RAW).format;
