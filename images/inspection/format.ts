/** What a file is, by its magic numbers. */
import { isText, isVmdkDescriptor, textLike } from './text.ts';

export type ImageFormat =
  | 'qcow2'
  | 'iso'
  | 'raw'
  | 'gpt'
  | 'mbr'
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
  | '7z'
  | 'rar'
  | 'lz4'
  | 'tar'
  | 'html'
  | 'json'
  | 'xml'
  | 'git-lfs'
  | 'text'
  | 'empty';

export type FormatFamily = 'disk' | 'optical' | 'plain' | 'compressed' | 'archive' | 'text';

interface Magic {
  readonly format: ImageFormat;
  readonly family: FormatFamily;
  /** As a person calls it, with its article. */
  readonly name: string;
  readonly matches: (head: Buffer) => boolean;
}

/** Bytes that all magic numbers lie within. */
export const HEAD_LENGTH = 65_536;
const ISO_MAGIC_OFFSET = 0x8001;

const bytesAt =
  (offset: number, ...magics: readonly (string | readonly number[])[]) =>
  (head: Buffer): boolean =>
    magics.some((magic) => {
      const bytes = typeof magic === 'string' ? Buffer.from(magic, 'latin1') : Buffer.from(magic);
      return head.subarray(offset, offset + bytes.length).equals(bytes);
    });

const MAGICS: readonly Magic[] = [
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
  { format: 'gzip', family: 'compressed', name: 'a gzip file', matches: bytesAt(0, [0x1f, 0x8b, 8]) },
  {
    format: 'bzip2',
    family: 'compressed',
    name: 'a bzip2 file',
    matches: (head) => /^BZh[1-9](?:1AY&SY|\x17rE8P\x90)/.test(head.subarray(0, 10).toString('latin1')),
  },
  { format: 'xz', family: 'compressed', name: 'an xz file', matches: bytesAt(0, '\xfd7zXZ\0') },
  {
    format: 'zstd',
    family: 'compressed',
    name: 'a zstd file',
    // A file may begin with a frame that is to be skipped, as those of pzstd do.
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
  { format: '7z', family: 'compressed', name: 'a 7z archive', matches: bytesAt(0, '7z\xbc\xaf\x27\x1c') },
  { format: 'rar', family: 'compressed', name: 'a RAR archive', matches: bytesAt(0, 'Rar!\x1a\x07') },
  {
    format: 'lz4',
    family: 'compressed',
    name: 'an LZ4 file',
    matches: bytesAt(0, [0x04, 0x22, 0x4d, 0x18]),
  },
  {
    format: 'tar',
    family: 'archive',
    name: 'a tar archive (an OVA, perhaps)',
    matches: bytesAt(257, 'ustar\x0000', 'ustar  \0'),
  },
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
  { format: 'gpt', family: 'plain', name: 'a raw disk with a GPT', matches: bytesAt(512, 'EFI PART') },
  { format: 'mbr', family: 'plain', name: 'a raw disk with an MBR', matches: bytesAt(510, [0x55, 0xaa]) },
];

const RAW: Magic = { format: 'raw', family: 'plain', name: 'raw data', matches: () => true };

export interface FoundFormat {
  readonly format: ImageFormat;
  readonly family: FormatFamily;
  readonly name: string;
}

const TEXT: Magic = { format: 'text', family: 'text', name: 'a text', matches: isText };

/** All formats that the first bytes match, disks first; `raw` (or, where nothing else fits, `text`) when none does. */
export function matchFormats(head: Buffer): readonly FoundFormat[] {
  const found = MAGICS.filter(({ matches }) => matches(head));
  if (found.length > 0) return found;
  return [TEXT.matches(head) ? TEXT : RAW];
}

/**
 * The one format that a file is to be called. ISO hybrids with a partition table are ISOs.
 * @param head the first HEAD_LENGTH bytes, or all when the file is shorter
 */
export const sniffFormat = (head: Buffer): ImageFormat => (matchFormats(head)[0] ?? RAW).format;
