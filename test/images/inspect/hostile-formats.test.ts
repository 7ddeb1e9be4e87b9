/** Files of another format than declared, of several, or of none. */
import type { TemplateFormat } from '../../../model/states.ts';
import {
  FOREIGN,
  gptDisk,
  hybridDisk,
  mbrDisk,
  patched,
  POLYGLOTS,
  protectiveEntry,
  qcow2Disk,
  vhdFooter,
} from '../../support/hostile-images.ts';
import { isoImage, noise } from '../../support/images.ts';
import { inspectStart, openInspectionLab, said } from '../../support/inspection-lab.ts';
import type { InspectionLab } from '../../support/inspection-lab.ts';

const FORMATS: readonly TemplateFormat[] = ['QCOW2', 'RAW', 'ISO'];
const MIB = 1_048_576;

let lab: InspectionLab;
beforeAll(async () => {
  lab = await openInspectionLab();
});
afterAll(() => lab.close());

describe('formats that are never taken', () => {
  it.each(FOREIGN)('%s is refused by name, whatever was declared', async (_, name, bytes) => {
    for (const declared of FORMATS) {
      const verdict = await lab.judge(bytes, declared);
      expect(said(verdict)).toMatch(/^FormatMismatch: the file is /);
      expect(said(verdict)).toMatch(name);
      expect(said(verdict)).toContain(`declared as ${declared}`);
      expect(() => inspectStart(bytes, declared)).toThrow(name);
    }
  });

  it('a fixed VHD, which has nothing but a footer', async () => {
    const disk = Buffer.concat([mbrDisk([{}]), vhdFooter(MIB)]);
    const verdict = await lab.judge(disk, 'RAW');
    expect(said(verdict)).toMatch(/FormatMismatch: the file is a VHD disk/);
    expect(verdict).toMatchObject({ evidence: { found: ['mbr', 'vhd'] } });
  });

  it('a VHD of old, whose footer has 511 bytes', async () => {
    const disk = Buffer.concat([mbrDisk([{}]), vhdFooter(MIB).subarray(0, 511)]);
    expect(said(await lab.judge(disk, 'RAW'))).toMatch(/a VHD disk/);
  });

  it('a DMG, which has nothing but a trailer', async () => {
    const trailer = Buffer.alloc(512);
    trailer.write('koly');
    trailer.writeUInt32BE(4, 4);
    trailer.writeUInt32BE(512, 8);
    expect(said(await lab.judge(Buffer.concat([noise(MIB), trailer]), 'RAW'))).toMatch(/a DMG image/);
  });

  it('says what an error page is, and never what it says', async () => {
    const verdict = await lab.judge(Buffer.from(`<html>secret of an internal page${'x'.repeat(999)}`), 'ISO');
    expect(said(verdict)).toBe('FormatMismatch: the file is an HTML page; it was declared as ISO');
  });
});

describe('two formats at once', () => {
  it.each(POLYGLOTS)('%s is refused, whatever was declared', async (_, names, bytes) => {
    for (const declared of FORMATS) {
      const verdict = await lab.judge(bytes, declared);
      expect(said(verdict)).toMatch(/^HostileImage/);
      expect(said(verdict)).toMatch(names);
      expect(() => inspectStart(bytes, declared)).toThrow(names);
    }
  });

  it.each([
    ['qcow2', 'QCOW2', qcow2Disk().bytes],
    ['ISO', 'ISO', isoImage()],
  ] as const)('%s and a VHD that ends there', async (_, declared, bytes) => {
    const verdict = await lab.judge(Buffer.concat([bytes, vhdFooter(bytes.length)]), declared);
    expect(said(verdict)).toMatch(/HostileImage: the file is a VHD disk and something else at once/);
  });

  it('a disk whose last file is a VHD is none', async () => {
    const bytes = Buffer.concat([qcow2Disk().bytes, noise(65_536 - 512), vhdFooter(4096)]);
    expect(said(await lab.judge(bytes, 'QCOW2'))).toBe('accepted');
  });
});

describe('declared and found agree, in both directions', () => {
  const images = {
    QCOW2: qcow2Disk().bytes,
    ISO: isoImage(),
    RAW: mbrDisk([{}]),
  } as const;
  const cases = FORMATS.flatMap((real) => FORMATS.map((declared) => [real, declared] as const));

  it.each(cases)('%s declared as %s', async (real, declared) => {
    const verdict = await lab.judge(images[real], declared);
    expect(verdict.accepted).toBe(real === declared);
    if (real !== declared) expect(said(verdict)).toMatch(/^FormatMismatch/);
  });
});

describe('raw disks', () => {
  it.each<readonly [string, Buffer, object]>([
    ['all zeros', Buffer.alloc(MIB), { found: ['raw'] }],
    ['of one sector', Buffer.alloc(512), { found: ['raw'] }],
    [
      'with an MBR',
      mbrDisk([{ flag: 0x80 }]),
      {
        partitionTable: { kind: 'mbr', partitions: [{ number: 1, type: '83', start: 32_768, size: 32_768 }] },
      },
    ],
    [
      'with a boot sector, and no partition',
      mbrDisk([]),
      { found: ['mbr'], partitionTable: { kind: 'mbr', partitions: [] } },
    ],
    ['with an extended partition over its end', mbrDisk([{}, { type: 5, start: 99_999 }]), {}],
    [
      'with a GPT',
      gptDisk(),
      {
        partitionTable: {
          kind: 'gpt',
          sectorSize: 512,
          partitions: [{ name: 'root', type: '0fc63daf-8483-4772-8e79-3d69d8477de4', start: 32_768 }],
        },
      },
    ],
    ['with a GPT of 4 KiB sectors', gptDisk(MIB, MIB, 4096), { partitionTable: { sectorSize: 4096 } }],
    ...[0x000000, 0x000100, 0x010203, 0xffffff].map(
      (chs) =>
        [
          `with a protective MBR whose CHS is ${chs.toString(16)}`,
          patched(gptDisk(), (b) => b.writeUIntBE(chs, 447, 3)),
          { found: ['gpt', 'mbr'] },
        ] as const,
    ),
    ['with a hybrid MBR', hybridDisk([{}]), { found: ['gpt', 'mbr'], partitionTable: { kind: 'gpt' } }],
    [
      'with a hybrid MBR, its protective entry last',
      hybridDisk([{ flag: 0x80 }], [], [protectiveEntry()]),
      {},
    ],
    ['with a Linux kernel that begins as a disk does', kernel(0x90), { found: ['kernel', 'mbr'] }],
    ['with a Linux kernel without anything where partitions are', kernel(0), { found: ['kernel', 'mbr'] }],
    ['with a GPT that is larger than its table says', gptDisk(2 * MIB, MIB), {}],
    [
      'with a FAT file system',
      bootSector((b) => (b.writeUInt8(2, 16), b.writeUInt8(0xf8, 21))),
      { filesystem: 'FAT' },
    ],
    ['with an NTFS file system', bootSector((b) => b.write('NTFS    ', 3)), { filesystem: 'NTFS' }],
    ['with an ext file system and a boot loader', bootSector(ext), { filesystem: 'ext' }],
  ])('%s are taken', async (_, bytes, evidence) => {
    const verdict = await lab.judge(bytes, 'RAW');
    expect(said(verdict)).toBe('accepted');
    expect(verdict).toMatchObject({ facts: { virtualSize: bytes.length, evidence } });
  });

  it('are counted in whole sectors, as QEMU does', async () => {
    const bytes = Buffer.concat([mbrDisk([{}], 306_432), noise(89)]);
    expect(await lab.judge(bytes, 'RAW')).toMatchObject({ facts: { virtualSize: 306_688 } });
  });

  it.each([
    ['an impossible boot flag', /boot flag in entry 2/, mbrDisk([{}, { flag: 0x42 }])],
    ['more partitions beside a GPT', /other partitions in its MBR/, mbrDisk([protectiveEntry(), {}])],
    [
      'a protective entry that is not the first',
      /other partitions|begin/,
      mbrDisk([{ type: 0 }, protectiveEntry()]),
    ],
    [
      'a protective entry that begins elsewhere',
      /begin at sector 1/,
      mbrDisk([protectiveEntry({ start: 2 })]),
    ],
    [
      'a hybrid with another partition in its MBR',
      /other partitions/,
      hybridDisk([{ start: 64, sectors: 63 }]),
    ],
    [
      'a hybrid whose partition begins elsewhere',
      /other partitions/,
      hybridDisk([{ start: 65, sectors: 64 }]),
    ],
    ['a hybrid without a partition of the GPT', /other partitions/, hybridDisk([{}, { start: 512 }])],
    [
      'a hybrid whose GPT is not sound',
      /other partitions/,
      patched(hybridDisk([{}]), (b) => b.writeUInt8(1, 512 + 16)),
    ],
    [
      'a hybrid whose entries of the GPT are not sound',
      /other partitions/,
      patched(hybridDisk([{}]), (b) => b.write('boot', 1024 + 56, 'utf16le')),
    ],
    [
      'a hybrid whose protective entry begins elsewhere',
      /begin at sector 1/,
      hybridDisk([{}], [protectiveEntry({ start: 2 })]),
    ],
    ['a partition beyond its end', /partition 2 beyond its end/, mbrDisk([{}, { start: 4096 }])],
    ['a GPT for a larger disk', /cut short/, gptDisk(MIB, 2 * MIB)],
  ])('%s is refused', async (_, reason, bytes) => {
    const verdict = await lab.judge(bytes, 'RAW');
    expect(said(verdict)).toMatch(/^HostileImage/);
    expect(said(verdict)).toMatch(reason);
  });

  it('a GPT whose checksum is wrong is not believed, either way', async () => {
    const bytes = patched(gptDisk(MIB, 2 * MIB), (b) => b.writeUInt8(1, 512 + 16));
    expect(said(await lab.judge(bytes, 'RAW'))).toBe('accepted');
  });

  it('one larger than the limit is refused', async () => {
    const verdict = await lab.judge(mbrDisk([{}]), 'RAW', { maxVirtualSize: MIB - 1 });
    expect(said(verdict)).toMatch(/HostileImage: the image has 1048576 bytes; at most 1048575/);
    expect(said(await lab.judge(mbrDisk([{}]), 'RAW', { maxVirtualSize: MIB }))).toBe('accepted');
  });
});

describe('ISO images', () => {
  it('hybrids with an MBR and a GPT are ISOs, and no raw disks', async () => {
    const bytes = isoImage(128 * 2048, true);
    const verdict = await lab.judge(bytes, 'ISO');
    expect(said(verdict)).toBe('accepted');
    expect(verdict).toMatchObject({
      facts: { evidence: { found: ['iso', 'gpt', 'mbr'], iso: { filesystems: ['ISO 9660'] } } },
    });
    expect(said(await lab.judge(bytes, 'RAW'))).toMatch(/FormatMismatch: the file is an ISO 9660 image/);
  });

  it('shows label, size and file systems of a UDF bridge', async () => {
    const bytes = patched(isoImage(), (b) => {
      b.write('CCCOMA_X64FRE'.padEnd(32), 0x8000 + 40);
      for (const [index, magic] of ['BEA01', 'NSR02', 'TEA01'].entries())
        b.write(magic, 0x8800 + index * 2048 + 1);
    });
    expect(await lab.judge(bytes, 'ISO')).toMatchObject({
      facts: {
        evidence: {
          iso: {
            label: 'CCCOMA_X64FRE',
            volumeSize: 262_144,
            filesystems: ['ISO 9660', 'UDF'],
            bootable: false,
          },
        },
      },
    });
  });

  it('UDF without ISO 9660 is taken, whatever the length of its blocks; its beginning alone is not', async () => {
    const begin = patched(Buffer.alloc(128 * 2048), (b) => b.write('BEA01', 0x8001));
    expect(said(await lab.judge(begin, 'ISO'))).toMatch(/no primary volume descriptor/);
    for (const block of [2048, 4096, 8192, 16_384]) {
      const udf = patched(begin, (b) => b.write('NSR03', 0x8001 + block));
      expect(await lab.judge(udf, 'ISO')).toMatchObject({
        facts: { evidence: { iso: { filesystems: ['UDF'] } } },
      });
    }
  });

  it.each([
    ['cut short', /it is cut short/, isoImage().subarray(0, 200_000)],
    ['cut in its descriptor', /no whole volume descriptor/, isoImage().subarray(0, 0x8400)],
    ['of no blocks', /no blocks/, patched(isoImage(), (b) => b.writeUInt32LE(0, 0x8050))],
    ['of odd blocks', /blocks of 700 bytes/, patched(isoImage(), (b) => b.writeUInt16LE(700, 0x8080))],
    [
      'whose root lies beyond the end',
      /cut short/,
      patched(isoImage(), (b) => b.writeUInt32LE(9999, 0x8000 + 158)),
    ],
    [
      'with a supplementary descriptor only',
      /no primary/,
      patched(isoImage(), (b) => b.writeUInt8(2, 0x8000)),
    ],
  ])('one %s is refused', async (_, reason, bytes) => {
    const verdict = await lab.judge(bytes, 'ISO');
    expect(said(verdict)).toMatch(/^HostileImage/);
    expect(said(verdict)).toMatch(reason);
  });
});

/** memtest86+ and iPXE begin like this; where others have partitions is code, or nothing. */
function kernel(code: number): Buffer {
  const disk = noise(MIB);
  disk.fill(code, 446, 510);
  disk.writeUInt16BE(0x55aa, 510);
  disk.write('HdrS', 0x202);
  return disk;
}

function bootSector(change: (bytes: Buffer) => void): Buffer {
  const disk = noise(MIB);
  disk.fill(0xcc, 0, 4096);
  disk.writeUInt8(0xeb, 0);
  disk.writeUInt16BE(0x55aa, 510);
  change(disk);
  return disk;
}

function ext(disk: Buffer): void {
  disk.writeUInt32LE(2, 0x418);
  disk.writeUInt16LE(0xef53, 0x438);
  disk.writeUInt32LE(1, 0x44c);
}
