/** File systems that begin at byte 0: disks without a partition table. */

interface Mark {
  readonly name: string;
  readonly at: number;
  readonly bytes: string;
}

const MARKS: readonly Mark[] = [
  { name: 'NTFS', at: 3, bytes: 'NTFS    ' },
  { name: 'exFAT', at: 3, bytes: 'EXFAT   ' },
  { name: 'FAT', at: 54, bytes: 'FAT' },
  { name: 'FAT', at: 82, bytes: 'FAT32' },
  { name: 'XFS', at: 0, bytes: 'XFSB' },
  { name: 'LVM', at: 512, bytes: 'LABELONE' },
  { name: 'squashfs', at: 0, bytes: 'hsqs' },
  { name: 'swap', at: 4086, bytes: 'SWAPSPACE2' },
];

const FIXED_DISK = 0xf8;

export function findFilesystem(head: Buffer): string | undefined {
  const mark = MARKS.find(({ at, bytes }) => head.toString('latin1', at, at + bytes.length) === bytes);
  if (mark !== undefined) return mark.name;
  return isExt(head) ? 'ext' : isFat(head) ? 'FAT' : undefined;
}

/** Two bytes of magic are too few: block size and revision must make sense too. */
const isExt = (head: Buffer): boolean =>
  head.length >= 2048 &&
  head.readUInt16LE(0x438) === 0xef53 &&
  head.readUInt32LE(0x418) <= 6 &&
  head.readUInt32LE(0x44c) <= 1;

/** Some FAT boot sectors do not name their file system; two tables on a fixed disk are what all have. */
const isFat = (head: Buffer): boolean =>
  head.length >= 512 &&
  (head.readUInt8(0) === 0xeb || head.readUInt8(0) === 0xe9) &&
  head.readUInt8(0x10) === 2 &&
  head.readUInt8(0x15) === FIXED_DISK;
