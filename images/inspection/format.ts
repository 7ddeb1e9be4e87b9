/** What a file is, by its magic numbers. */

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
  | 'gzip'
  | 'bzip2'
  | 'xz'
  | 'zstd'
  | 'zip'
  | 'html'
  | 'json'
  | 'xml'
  | 'git-lfs'
  | 'empty';

export type FormatFamily = 'disk' | 'optical' | 'plain' | 'compressed' | 'text';

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

const textLike =
  (pattern: RegExp) =>
  (head: Buffer): boolean =>
    pattern.test(
      head
        .subarray(0, 512)
        .toString('latin1')
        .replace(/^\xef\xbb\xbf/, '')
        .trimStart(),
    );

const MAGICS: readonly Magic[] = [
  { format: 'empty', family: 'text', name: 'an empty file', matches: (head) => head.length === 0 },
  { format: 'qcow2', family: 'disk', name: 'a qcow2 disk', matches: bytesAt(0, 'QFI\xfb') },
  { format: 'qed', family: 'disk', name: 'a QED disk', matches: bytesAt(0, 'QED\0') },
  {
    format: 'vmdk',
    family: 'disk',
    name: 'a VMDK disk',
    matches: bytesAt(0, 'KDMV', 'COWD', '# Disk DescriptorFile'),
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
  { format: 'luks', family: 'disk', name: 'a LUKS volume', matches: bytesAt(0, 'LUKS\xba\xbe') },
  {
    format: 'iso',
    family: 'optical',
    name: 'an ISO 9660 image',
    matches: bytesAt(ISO_MAGIC_OFFSET, 'CD001'),
  },
  { format: 'gzip', family: 'compressed', name: 'a gzip file', matches: bytesAt(0, [0x1f, 0x8b, 8]) },
  {
    format: 'bzip2',
    family: 'compressed',
    name: 'a bzip2 file',
    matches: textLike(/^BZh[1-9](?:1AY&SY|\x17rE8P\x90)/),
  },
  { format: 'xz', family: 'compressed', name: 'an xz file', matches: bytesAt(0, '\xfd7zXZ\0') },
  {
    format: 'zstd',
    family: 'compressed',
    name: 'a zstd file',
    matches: bytesAt(0, [0x28, 0xb5, 0x2f, 0xfd]),
  },
  {
    format: 'zip',
    family: 'compressed',
    name: 'a zip archive',
    matches: bytesAt(0, 'PK\x03\x04', 'PK\x05\x06'),
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

/** All formats that the first bytes match, disks first; `raw` when none does. */
export function matchFormats(head: Buffer): readonly FoundFormat[] {
  const found = MAGICS.filter(({ matches }) => matches(head));
  return found.length === 0 ? [RAW] : found;
}

/**
 * The one format that a file is to be called. ISO hybrids with a partition table are ISOs.
 * @param head the first HEAD_LENGTH bytes, or all when the file is shorter
 */
export const sniffFormat = (head: Buffer): ImageFormat => (matchFormats(head)[0] ?? RAW).format;
