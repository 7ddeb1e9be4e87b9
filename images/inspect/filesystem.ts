/** File systems that begin at byte 0: disks without a partition table. */
import { hasBootSignature } from './magic.ts';

interface Mark {
  readonly name: string;
  readonly at: number;
  readonly bytes: string;
}

const MARKS: readonly Mark[] = [
  { name: 'NTFS', at: 3, bytes: 'NTFS    ' },
  { name: 'exFAT', at: 3, bytes: 'EXFAT   ' },
  { name: 'ReFS', at: 3, bytes: 'ReFS\0\0\0\0' },
  { name: 'BitLocker', at: 3, bytes: '-FVE-FS-' },
  { name: 'FAT', at: 54, bytes: 'FAT' },
  { name: 'FAT', at: 82, bytes: 'FAT32' },
  { name: 'XFS', at: 0, bytes: 'XFSB' },
  { name: 'LVM', at: 512, bytes: 'LABELONE' },
  { name: 'squashfs', at: 0, bytes: 'hsqs' },
  { name: 'swap', at: 4086, bytes: 'SWAPSPACE2' },
];

/** File systems without a boot sector: behind a boot sector the same bytes may belong to a boot loader, or be left over. */
const MARKS_WITHOUT_BOOT: readonly Mark[] = [
  { name: 'LVM', at: 0, bytes: 'LABELONE' },
  { name: 'LVM', at: 1024, bytes: 'LABELONE' },
  { name: 'LVM', at: 1536, bytes: 'LABELONE' },
  { name: 'squashfs', at: 0, bytes: 'sqsh' },
  { name: 'cramfs', at: 0, bytes: '\x45\x3d\xcd\x28' },
  { name: 'romfs', at: 0, bytes: '-rom1fs-' },
  { name: 'UBI', at: 0, bytes: 'UBI#' },
  { name: 'VDO', at: 0, bytes: 'dmvdo001' },
  { name: 'APFS', at: 32, bytes: 'NXSB' },
  { name: 'Stratis', at: 516, bytes: '!Stra0tis' },
  { name: 'F2FS', at: 1024, bytes: '\x10\x20\xf5\xf2' },
  { name: 'EROFS', at: 1024, bytes: '\xe2\xe1\xf5\xe0' },
  { name: 'HFS+', at: 1024, bytes: 'H+\0\x04' },
  { name: 'HFS+', at: 1024, bytes: 'HX\0\x05' },
  { name: 'NILFS2', at: 1024, bytes: '\x02\0\0\0\0\0\x34\x34' },
  { name: 'MD RAID', at: 0, bytes: '\xfc\x4e\x2b\xa9' },
  { name: 'MD RAID', at: 4096, bytes: '\xfc\x4e\x2b\xa9' },
  { name: 'bcachefs', at: 4120, bytes: '\xc6\x85\x73\xf6\x4e\x1a\x45\xca' },
  { name: 'OCFS2', at: 8192, bytes: 'OCFSV2' },
  { name: 'UFS', at: 9564, bytes: '\x54\x19\x01\0' },
  // The list of values in the first label of a disk.
  { name: 'ZFS', at: 16_384, bytes: '\x01\x01\0\0\0\0\0\0\0\0\0\x01' },
  { name: 'JFS', at: 32_768, bytes: 'JFS1' },
  { name: 'swap', at: 65_526, bytes: 'SWAPSPACE2' },
];

const FIXED_DISK = 0xf8;

export function findFilesystem(head: Buffer): string | undefined {
  const marks = hasBootSignature(head) ? MARKS : [...MARKS, ...MARKS_WITHOUT_BOOT];
  const mark = marks.find(({ at, bytes }) => head.toString('latin1', at, at + bytes.length) === bytes);
  if (mark !== undefined) return mark.name;
  return isExt(head) ? 'ext' : isFat(head) ? 'FAT' : undefined;
}

/** Two bytes of magic are too few: block size and revision must make sense too. */
const isExt = (head: Buffer): boolean =>
  head.length >= 2048 &&
  head.readUInt16LE(0x438) === 0xef53 &&
  head.readUInt32LE(0x418) <= 6 &&
  head.readUInt32LE(0x44c) <= 1;

/** Some FAT boot sectors do not name their file system; but all have two tables on a fixed disk. */
const isFat = (head: Buffer): boolean =>
  head.length >= 512 &&
  (head.readUInt8(0) === 0xeb || head.readUInt8(0) === 0xe9) &&
  head.readUInt8(0x10) === 2 &&
  head.readUInt8(0x15) === FIXED_DISK;
