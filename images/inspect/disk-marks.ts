/** Signs that bytes of no known format may be a disk: a boot sector, a partition table, a file system, or zeros. */
import { findFilesystem } from './filesystem.ts';
import { bytesAt, hasBootSignature } from './magic.ts';
import type { Matcher } from './magic.ts';
import { isZero } from '../reader.ts';

const AMIGA_BLOCKS = 16;

const LABELS: readonly Matcher[] = [
  hasBootSignature,
  bytesAt(512, 'EFI PART'),
  bytesAt(4096, 'EFI PART'),
  // Apple: the driver map, or the partition map.
  (head) => bytesAt(0, 'ER')(head) && bytesAt(512, 'PM\0\0', 'TS')(head),
  // Sun, SGI, BSD in either order of bytes.
  bytesAt(508, [0xda, 0xbe]),
  bytesAt(0, [0x0b, 0xe5, 0xa9, 0x41]),
  bytesAt(0, [0x57, 0x45, 0x56, 0x82], [0x82, 0x56, 0x45, 0x57]),
  bytesAt(64, [0x57, 0x45, 0x56, 0x82], [0x82, 0x56, 0x45, 0x57]),
  bytesAt(512, [0x57, 0x45, 0x56, 0x82], [0x82, 0x56, 0x45, 0x57]),
  (head) =>
    Array.from({ length: AMIGA_BLOCKS }, (_, block) => block).some((block) =>
      bytesAt(block * 512, 'RDSK')(head),
    ),
  // The volume labels of IBM's mainframes, in EBCDIC: VOL1, LNX1, CMS1.
  ...[512, 1024, 4096, 8192]
    .flatMap((at) => [at, at + 4])
    .map((at) => bytesAt(at, [0xe5, 0xd6, 0xd3, 0xf1], [0xd3, 0xd5, 0xe7, 0xf1], [0xc3, 0xd4, 0xe2, 0xf1])),
];

/** A disk may be blank, at its beginning or as a whole. */
export const mayBeDisk = (head: Buffer): boolean =>
  isZero(head) || LABELS.some((matches) => matches(head)) || findFilesystem(head) !== undefined;
