/**
 * Formats that Bypass neither unpacks nor accepts as a disk, by the magic numbers of the `file` program. Each is refused by its
 * name, so that none passes as a raw disk. Compressions that Bypass unpacks are not in this list.
 */
import { mayBeDisk } from './disk-marks.ts';
import { bytesAt } from './magic.ts';
import type { FormatFamily, Magic, Matcher } from './magic.ts';
import { isText } from './text.ts';

/** A short magic proves nothing when the file also has the marks of a disk. */
const unlessDisk =
  (matches: Matcher): Matcher =>
  (head) =>
    matches(head) && !mayBeDisk(head);

const LZMA_PROPERTIES = 9 * 5 * 5;
const LZMA_MOST = 2n ** 38n;

/** The old .lzma format has no magic; liblzma recognises it by these fields too. */
function isLzma(head: Buffer): boolean {
  if (head.length < 14 || head.readUInt8(0) >= LZMA_PROPERTIES || head.readUInt8(13) !== 0) return false;
  const dictionary = head.readUInt32LE(1);
  const high = 2 ** Math.floor(Math.log2(Math.max(1, dictionary)));
  const usual = dictionary >= 4096 && (dictionary === high || dictionary === high + high / 2);
  const size = head.readBigUInt64LE(5);
  return (usual || dictionary === 0xffff_ffff) && (size === 2n ** 64n - 1n || size < LZMA_MOST);
}

/** compress(1): the third byte holds the longest code, and two bits that are not used. */
function isCompress(head: Buffer): boolean {
  if (head.length < 3 || head.readUInt16BE(0) !== 0x1f9d) return false;
  const third = head.readUInt8(2);
  return (third & 0x60) === 0 && (third & 0x1f) >= 9 && (third & 0x1f) <= 16;
}

/** RFC 1950: deflate, a check over two bytes, no dictionary; then a deflate block of a known kind. */
const isZlib: Matcher = (head) =>
  !isText(head) &&
  head.length >= 3 &&
  (head.readUInt8(0) & 0x8f) === 8 &&
  head.readUInt16BE(0) % 31 === 0 &&
  (head.readUInt8(1) & 0x20) === 0 &&
  (head.readUInt8(2) & 6) !== 6;

const TAR_SUM = { at: 148, length: 8 } as const;

/** Old tar archives have no magic, but a checksum of their first block. */
function isTar(head: Buffer): boolean {
  if (bytesAt(257, 'ustar\x0000', 'ustar  \0')(head)) return true;
  if (head.length < 512 || head.readUInt8(0) === 0) return false;
  const written = /^ *([0-7]+)[ \0]/.exec(
    head.toString('latin1', TAR_SUM.at, TAR_SUM.at + TAR_SUM.length),
  )?.[1];
  let sum = TAR_SUM.length * 0x20;
  for (const [at, byte] of head.subarray(0, 512).entries())
    if (at < TAR_SUM.at || at >= TAR_SUM.at + TAR_SUM.length) sum += byte;
  return written !== undefined && Number.parseInt(written, 8) === sum;
}

const isArc: Matcher = (head) =>
  /^\x1a[\x01-\x0b\x14\x48](?=[\x21-\x7e])[\x20-\x7e]{0,12}\0/.test(head.toString('latin1', 0, 15));

const isArj: Matcher = (head) =>
  bytesAt(0, [0x60, 0xea])(head) &&
  head.length > 10 &&
  head.readUInt16LE(2) <= 2600 &&
  head.readUInt8(10) === 2;

/** OpenPGP: the first packet names the key, or the algorithm, that the rest is encrypted with. */
const isPgp: Matcher = (head) =>
  /^(?:\x84[\x5e\x8c]\x03|\x85[\x01-\x04][\x00-\xff]\x03|\xc1[\xc0-\xc3][\x00-\xff]\x03|\x8c[\x04\x0d]\x04[\x01-\x0d]\x03)/.test(
    head.toString('latin1', 0, 5),
  );

const startsWith = (...magics: Parameters<typeof bytesAt>[1][]): Matcher => bytesAt(0, ...magics);
const weakly = (...magics: Parameters<typeof bytesAt>[1][]): Matcher => unlessDisk(bytesAt(0, ...magics));

const TABLE = [
  // Compressions.
  ['lzma', 'compressed', 'an LZMA file', isLzma],
  ['lzip', 'compressed', 'an lzip file', startsWith('LZIP')],
  ['lzop', 'compressed', 'an lzop file', startsWith('\x89LZO\0\r\n\x1a\n')],
  ['lrzip', 'compressed', 'an lrzip file', startsWith('LRZI')],
  ['rzip', 'compressed', 'an rzip file', startsWith('RZIP')],
  [
    'lz4',
    'compressed',
    'an LZ4 file',
    startsWith([0x04, 0x22, 0x4d, 0x18], [0x03, 0x21, 0x4c, 0x18], [0x02, 0x21, 0x4c, 0x18], 'mozLz40\0'),
  ],
  [
    'lz5',
    'compressed',
    'an LZ5 or Lizard file',
    startsWith([0x05, 0x22, 0x4d, 0x18], [0x06, 0x22, 0x4d, 0x18]),
  ],
  ['compress', 'compressed', 'a file of compress (.Z)', unlessDisk(isCompress)],
  ['pack', 'compressed', 'a file of pack (.z)', weakly([0x1f, 0x1e], [0x1f, 0x1f])],
  ['freeze', 'compressed', 'a file of freeze (.F)', weakly([0x1f, 0x9e], [0x1f, 0x9f])],
  ['lzh', 'compressed', 'a file of compress -H', weakly([0x1f, 0xa0], [0x1f, 0xa1])],
  ['squeeze', 'compressed', 'a squeezed file', weakly([0x76, 0xff], [0x76, 0xfe], [0x76, 0xfd])],
  ['bzip', 'compressed', 'a file of bzip 1', startsWith('BZ0')],
  ['snappy', 'compressed', 'a Snappy file', startsWith('\xff\x06\0\0sNaPpY', 'SNAPPY\0', '\x82SNAPPY\0')],
  [
    'lzfse',
    'compressed',
    'an LZFSE file',
    startsWith('bvx-', 'bvx1', 'bvx2', 'bvxn', 'pbzx', 'pbze', 'pbz4'),
  ],
  ['zpaq', 'compressed', 'a ZPAQ archive', startsWith('7kSt', 'zPQ')],
  ['qpress', 'compressed', 'a qpress archive', startsWith('qpress10')],
  [
    'zstd-old',
    'compressed',
    'a zstd file of before version 0.8',
    startsWith(
      '\x1e\xb5\x2f\xfd',
      ...[2, 3, 4, 5, 6, 7].map((version) => `${String.fromCodePoint(0x20 + version)}\xb5\x2f\xfd`),
    ),
  ],
  ['zstd-dictionary', 'compressed', 'a zstd dictionary', startsWith([0x37, 0xa4, 0x30, 0xec])],
  ['ms-compress', 'compressed', 'a file of Microsoft compress', startsWith('SZDD', 'KWAJ', 'SZ \x88')],
  ['amiga', 'compressed', 'a packed Amiga file', startsWith('XPKF', 'PP11', 'PP20', 'PX20')],
  ['nintendo', 'compressed', 'a packed Nintendo file', startsWith('Yaz0', 'Yay0', 'RNC\x01', 'RNC\x02')],
  ['sapcar', 'compressed', 'a SAPCAR archive', startsWith('CAR 2.0', 'CAR 2.01')],
  ['zlib', 'compressed', 'a zlib stream', unlessDisk(isZlib)],
  // Archives.
  ['7z', 'archive', 'a 7z archive', startsWith('7z\xbc\xaf\x27\x1c')],
  ['rar', 'archive', 'a RAR archive', startsWith('Rar!', 'RE~^')],
  ['deb', 'archive', 'a Debian package', startsWith('!<arch>\ndebian', '0.93', '0.94')],
  ['ar', 'archive', 'an ar archive', startsWith('!<arch>\n', '!<thin>\n', '<ar>', '<aiaff>\n', '<bigaf>\n')],
  ['rpm', 'archive', 'an RPM package', startsWith([0xed, 0xab, 0xee, 0xdb], 'drpm')],
  ['tar', 'archive', 'a tar archive (an OVA, perhaps)', isTar],
  [
    'cpio',
    'archive',
    'a cpio archive (an initial RAM disk, perhaps)',
    startsWith('070701', '070702', '070707'),
  ],
  ['cpio', 'archive', 'a cpio archive', weakly([0xc7, 0x71], [0x71, 0xc7])],
  ['cab', 'archive', 'a cabinet archive', startsWith('MSCF', 'ISc(')],
  ['wim', 'archive', 'a Windows image (WIM)', startsWith('MSWIM\0\0\0', 'WLPWM\0\0\0')],
  ['xar', 'archive', 'a xar archive', startsWith('xar!')],
  ['arj', 'archive', 'an ARJ archive', unlessDisk(isArj)],
  [
    'lha',
    'archive',
    'an LHA archive',
    (head) => /^-(?:l[hz][\dsdx]|pm[0-2s])-/.test(head.toString('latin1', 2, 7)),
  ],
  ['arc', 'archive', 'an ARC archive', unlessDisk(isArc)],
  ['freearc', 'archive', 'a FreeArc archive', startsWith('ArC\x01')],
  ['ace', 'archive', 'an ACE archive', bytesAt(7, '**ACE**')],
  ['zoo', 'archive', 'a zoo archive', bytesAt(20, [0xdc, 0xa7, 0xc4, 0xfd])],
  ['stuffit', 'archive', 'a StuffIt archive', startsWith('SIT!', 'StuffIt', 'SITD')],
  ['alz', 'archive', 'an ALZip archive', startsWith('ALZ\x01', 'EGGA')],
  ['jar', 'archive', 'a JAR archive of ARJ Software', bytesAt(0xe, '\x1aJar\x1b')],
  ['zip-part', 'archive', 'a part of a zip archive', startsWith('PK\x07\x08', 'PK00PK')],
  ['crx', 'archive', 'a package of a browser', startsWith('Cr24')],
  ['mpq', 'archive', 'a MoPaQ archive', startsWith('MPQ\x1a', 'MPQ\x1b')],
  ['paq', 'archive', 'a PAQ or KGB archive', startsWith('KGB_arch', 'zPAQ', 'lpaq')],
  [
    'asar',
    'archive',
    'an ASAR archive',
    (head) => /^\x04\0\0\0.{12}\{"files":/s.test(head.toString('latin1', 0, 25)),
  ],
  ['git-pack', 'archive', 'a Git pack', startsWith('PACK\0\0\0')],
  ['delta', 'archive', 'a binary difference', startsWith([0xd6, 0xc3, 0xc4], 'BSDIFF4', '%XDZ00')],
  // Backups of disks and file systems.
  ['android-sparse', 'archive', 'an Android sparse image', startsWith([0x3a, 0xff, 0x26, 0xed])],
  ['android-boot', 'archive', 'an Android boot image', startsWith('ANDROID!', 'VNDRBOOT', 'CrAU')],
  ['android-backup', 'archive', 'an Android backup', startsWith('ANDROID BACKUP\n')],
  ['partclone', 'archive', 'a Partclone image', startsWith('partclone-image')],
  ['partimage', 'archive', 'a PartImage volume', startsWith('PaRtImAgE-VoLuMe')],
  ['ntfsclone', 'archive', 'an ntfsclone image', startsWith('\0ntfsclone-image')],
  ['fsarchiver', 'archive', 'an FSArchiver archive', startsWith('FsArCh_')],
  ['xfs-metadump', 'archive', 'an XFS metadump', startsWith('XFSM')],
  ['xfs-dump', 'archive', 'an xfsdump archive', startsWith('xFSdump0')],
  ['btrfs-stream', 'archive', 'a btrfs send stream', startsWith('btrfs-stream\0')],
  [
    'zfs-stream',
    'archive',
    'a ZFS send stream',
    bytesAt(8, [0xac, 0xcb, 0xba, 0xf5, 2, 0, 0, 0], [0, 0, 0, 2, 0xf5, 0xba, 0xcb, 0xac]),
  ],
  [
    'dump',
    'archive',
    'a dump of a file system',
    bytesAt(
      24,
      [0x6c, 0xea, 0, 0],
      [0, 0, 0xea, 0x6c],
      [0x6b, 0xea, 0, 0],
      [0, 0, 0xea, 0x6b],
      [0x19, 0x01, 0x54, 0x19],
      [0x19, 0x54, 0x01, 0x19],
    ),
  ],
  ['vma', 'archive', 'a VMA backup of Proxmox', startsWith('VMA\0')],
  [
    'ewf',
    'archive',
    'an EWF (EnCase) image',
    startsWith('EVF\x09\r\n\xff\0', 'EVF2\r\n\x81\0', 'LVF\x09\r\n\xff\0'),
  ],
  ['aff', 'archive', 'an AFF image', startsWith('AFF10', 'AFF\0')],
  ['acronis', 'archive', 'an Acronis backup', startsWith([0xce, 0x24, 0xb9, 0xa2])],
  ['ghost', 'archive', 'a Ghost image', startsWith([0xfe, 0xef, 0x01])],
  ['ntbackup', 'archive', 'a backup of Windows', startsWith('TAPE')],
  ['borg', 'archive', 'a part of a Borg repository', startsWith('BORG_SEG')],
  // Disks of other programs, and CDs that are no ISO images.
  ['chd', 'disk', 'a MAME disk (CHD)', startsWith('MComprHD')],
  ['ckd', 'disk', 'a Hercules DASD image', startsWith('CKD_P370', 'CKD_C370', 'CKD_P064', 'CKD_C064')],
  ['uml-cow', 'disk', 'a COW disk of User-Mode Linux', startsWith('OOOM', 'MOOO')],
  ['sesparse', 'disk', 'a VMDK disk', startsWith([0xbe, 0xba, 0xfe, 0xca, 0, 0, 0, 0])],
  ['sdi', 'disk', 'a System Deployment Image', startsWith('$SDI0001')],
  ['qemu-state', 'other', 'a saved state of a VM', startsWith('QEVM', 'LibvirtQemud')],
  [
    'cd-sectors',
    'archive',
    'a CD image of raw sectors (.bin, .img or .nrg)',
    startsWith([0, ...Array<number>(10).fill(0xff), 0]),
  ],
  [
    'ciso',
    'archive',
    'a compressed ISO image (CISO)',
    startsWith('CISO', 'ZISO', 'JISO', '\x37\xe4\x53\x96'),
  ],
  ['isz', 'archive', 'a compressed ISO image (ISZ)', startsWith('IsZ!')],
  ['daa', 'archive', 'a PowerISO archive', startsWith('DAA\0', 'GBI\0')],
  ['mds', 'other', 'the description of a CD image', startsWith('MEDIA DESCRIPTOR')],
  [
    'floppy',
    'archive',
    'a floppy image of another format',
    startsWith('CQ\x14', 'IMD 1', 'TD\0', 'td\0', 'ACT Apricot disk image'),
  ],
  // Encrypted files.
  ['openssl', 'archive', 'a file encrypted by OpenSSL', startsWith('Salted__')],
  ['age', 'archive', 'a file encrypted by age', startsWith('age-encryption.org/')],
  ['pgp', 'archive', 'a file encrypted by OpenPGP', unlessDisk(isPgp)],
  ['aescrypt', 'archive', 'a file encrypted by AES Crypt', startsWith('AES\x01', 'AES\x02', 'AES\x03')],
  ['mcrypt', 'archive', 'a file encrypted by mcrypt', startsWith('\0m\x02', '\0m\x03')],
  ['vim', 'archive', 'a file encrypted by Vim', startsWith('VimCrypt~')],
  ['git-crypt', 'archive', 'a file encrypted by git-crypt', startsWith('\0GITCRYPT\0')],
  // Programs and documents, which people mistake for images.
  ['elf', 'other', 'a program (ELF)', startsWith('\x7fELF')],
  ['exe', 'other', 'a program of Windows or EFI', weakly('MZ')],
  ['uimage', 'other', 'an image of U-Boot', startsWith([0x27, 0x05, 0x19, 0x56])],
  ['fdt', 'other', 'a device tree, or an image of U-Boot', startsWith([0xd0, 0x0d, 0xfe, 0xed])],
  [
    'ole',
    'other',
    'a document or an installer of Windows',
    startsWith([0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]),
  ],
  ['pdf', 'other', 'a PDF document', startsWith('%PDF-')],
  ['picture', 'other', 'a picture', startsWith('\x89PNG\r\n', '\xff\xd8\xff', 'GIF8')],
  ['sqlite', 'other', 'an SQLite database', startsWith('SQLite format 3\0')],
] as const satisfies readonly (readonly [string, FormatFamily, string, Matcher])[];

export type ForeignFormat = (typeof TABLE)[number][0];

const FOREIGN: readonly Magic<ForeignFormat>[] = TABLE.map(([format, family, name, matches]) => ({
  format,
  family,
  name,
  matches,
}));

/** The first match counts: a special format stands before its general one. */
export const findForeign = (head: Buffer): Magic<ForeignFormat> | undefined =>
  FOREIGN.find(({ matches }) => matches(head));
