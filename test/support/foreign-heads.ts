/** Heads of files of other formats, written by hand: the format, its name in a refusal, and the bytes. */
import { noise } from './images.ts';

/** Noise with bytes at given positions. */
function begins(...parts: readonly (readonly [number, string | readonly number[]])[]): Buffer {
  const head = noise(4096, 7);
  for (const [at, bytes] of parts)
    (typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : Buffer.from(bytes)).copy(head, at);
  return head;
}

const starts = (magic: string | readonly number[]): Buffer => begins([0, magic]);

function oldTar(): Buffer {
  const head = Buffer.alloc(4096);
  head.write('disk.img', 'latin1');
  head.write('0000644\0', 100, 'latin1');
  head.write('00000010000\0', 124, 'latin1');
  head.fill(0x20, 148, 156);
  const sum = head.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  head.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return head;
}

export const FOREIGN_HEADS: readonly (readonly [string, RegExp, Buffer])[] = [
  ['lzma, of an unknown length', /LZMA/, starts([0x5d, 0, 0, 0x80, 0, ...Array<number>(8).fill(0xff), 0])],
  ['lzma, of a known length', /LZMA/, starts([0x5d, 0, 0, 0x80, 0, 0, 0, 0x30, 0, 0, 0, 0, 0, 0])],
  ['lzma, of other settings', /LZMA/, starts([0x5e, 0, 0, 0xc0, 0, ...Array<number>(8).fill(0xff), 0])],
  ['lz', /lzip/, starts('LZIP\x01\x0c')],
  ['lzo', /lzop/, starts('\x89LZO\0\r\n\x1a\n')],
  ['lrz', /lrzip/, starts('LRZI\0\x06')],
  ['rz', /rzip/, starts('RZIP\x02\x01')],
  ['lz4', /LZ4/, starts([0x04, 0x22, 0x4d, 0x18])],
  ['lz4, of old', /LZ4/, starts([0x02, 0x21, 0x4c, 0x18])],
  ['lz5', /LZ5/, starts([0x05, 0x22, 0x4d, 0x18])],
  ['Z', /compress/, starts([0x1f, 0x9d, 0x90])],
  ['z', /pack/, starts([0x1f, 0x1e])],
  ['F', /freeze/, starts([0x1f, 0x9f])],
  ['H', /compress -H/, starts([0x1f, 0xa0])],
  ['sq', /squeezed/, starts([0x76, 0xff])],
  ['bz', /bzip 1/, starts('BZ0')],
  ['sz', /Snappy/, starts('\xff\x06\0\0sNaPpY')],
  ['lzfse', /LZFSE/, starts('bvx2')],
  ['zpaq', /ZPAQ/, starts('7kSt\xa0\x31\x83\xd3')],
  ['qp', /qpress/, starts('qpress10')],
  ['zst, of old', /zstd file of before/, starts([0x27, 0xb5, 0x2f, 0xfd])],
  ['zlib', /zlib/, starts([0x78, 0x9c, 0xec])],
  ['zlib, fast', /zlib/, starts([0x78, 0x01, 0xec])],
  ['an SZDD', /Microsoft compress/, starts('SZDD\x88\xf0\x27\x33')],
  ['7z', /7z archive/, starts('7z\xbc\xaf\x27\x1c')],
  ['rar', /RAR/, starts('Rar!\x1a\x07\x01\0')],
  ['a', /an ar archive/, starts('!<arch>\ndisk.img/')],
  ['deb', /Debian package/, starts('!<arch>\ndebian-binary   ')],
  ['rpm', /RPM/, starts([0xed, 0xab, 0xee, 0xdb, 3, 0])],
  ['tar', /tar archive/, begins([257, 'ustar\x0000'])],
  ['tar, of GNU', /tar archive/, begins([257, 'ustar  \0'])],
  ['tar, of old', /tar archive/, oldTar()],
  ['cpio, newc', /cpio/, starts('070701')],
  ['cpio, with sums', /cpio/, starts('070702')],
  ['cpio, odc', /cpio/, starts('070707')],
  ['cpio, binary', /cpio/, starts([0xc7, 0x71])],
  ['cab', /cabinet/, starts('MSCF\0\0\0\0')],
  ['wim', /WIM/, starts('MSWIM\0\0\0')],
  ['xar', /xar/, starts('xar!\0\x1c')],
  ['arj', /ARJ/, starts([0x60, 0xea, 0x2a, 0, 0x22, 0x0b, 1, 2, 0x10, 0, 2])],
  ['lha', /LHA/, begins([2, '-lh5-'])],
  ['arc', /an ARC/, starts('\x1a\x08DISK.IMG\0')],
  ['ace', /ACE/, begins([7, '**ACE**'])],
  ['zoo', /zoo/, begins([20, [0xdc, 0xa7, 0xc4, 0xfd]])],
  ['sit', /StuffIt/, starts('SIT!')],
  ['alz', /ALZip/, starts('ALZ\x01')],
  ['arc, FreeArc', /FreeArc/, starts('ArC\x01')],
  ['a part of a zip', /part of a zip/, starts('PK\x07\x08PK\x03\x04')],
  ['a Git pack', /Git pack/, starts('PACK\0\0\0\x02')],
  ['vcdiff', /binary difference/, starts([0xd6, 0xc3, 0xc4, 0])],
  ['simg', /Android sparse/, starts([0x3a, 0xff, 0x26, 0xed, 1, 0])],
  ['an Android boot.img', /Android boot/, starts('ANDROID!')],
  ['partclone', /Partclone/, starts('partclone-image0002')],
  ['partimage', /PartImage/, starts('PaRtImAgE-VoLuMe')],
  ['ntfsclone', /ntfsclone/, starts('\0ntfsclone-image')],
  ['fsa', /FSArchiver/, starts('FsArCh_002')],
  ['xfs_metadump', /metadump/, starts('XFSM')],
  ['xfsdump', /xfsdump/, starts('xFSdump0')],
  ['btrfs send', /btrfs send/, starts('btrfs-stream\0')],
  ['zfs send', /ZFS send/, begins([8, [0xac, 0xcb, 0xba, 0xf5, 2, 0, 0, 0]])],
  ['dump', /a dump/, begins([24, [0x6c, 0xea, 0, 0]])],
  ['vma', /VMA/, starts('VMA\0')],
  ['E01', /EWF/, starts('EVF\x09\r\n\xff\0')],
  ['aff', /AFF/, starts('AFF10\r\n')],
  ['tib', /Acronis/, starts([0xce, 0x24, 0xb9, 0xa2])],
  ['chd', /CHD/, starts('MComprHD')],
  ['SE sparse', /VMDK/, starts([0xbe, 0xba, 0xfe, 0xca, 0, 0, 0, 0])],
  ['COW of UML', /User-Mode/, starts('OOOM')],
  ['a saved VM', /saved state/, starts('LibvirtQemudSave')],
  ['a CD of raw sectors', /raw sectors/, starts([0, ...Array<number>(10).fill(0xff), 0, 0, 2, 0, 1])],
  ['cso', /CISO/, starts('CISO\0\0\0\0')],
  ['isz', /ISZ/, starts('IsZ!')],
  ['daa', /PowerISO/, starts('DAA\0\0\0')],
  ['openssl enc', /OpenSSL/, starts('Salted__')],
  ['age', /by age/, starts('age-encryption.org/v1\n-> X25519 \n\0\x01')],
  ['gpg -c', /OpenPGP/, starts([0x8c, 0x0d, 0x04, 0x09, 0x03, 0x02])],
  ['gpg -e', /OpenPGP/, starts([0x85, 0x01, 0x0c, 0x03])],
  ['aes', /AES Crypt/, starts('AES\x02\0')],
  ['ELF', /ELF/, starts('\x7fELF\x02\x01\x01')],
  ['exe', /Windows or EFI/, starts('MZ\x90\0')],
  ['uImage', /U-Boot/, starts([0x27, 0x05, 0x19, 0x56])],
  ['FIT', /U-Boot/, starts([0xd0, 0x0d, 0xfe, 0xed])],
  ['msi', /installer of Windows/, starts([0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1])],
  ['pdf', /PDF/, starts('%PDF-1.7\n%\xe2\xe3')],
  ['png', /picture/, starts('\x89PNG\r\n\x1a\n')],
];
