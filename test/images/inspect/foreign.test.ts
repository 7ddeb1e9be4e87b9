/** No container, compression or other file that has a name passes as a raw disk, whatever its checksum says. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HEAD_LENGTH, matchFormats } from '../../../images/inspect/format.ts';
import { inspectHead } from '../../../images/inspect/inspect.ts';
import { limitsFor } from '../../../images/inspect/limits.ts';
import { judgeInside } from '../../../images/unpack/probe-inside.ts';
import { compressions } from '../../../model/source.ts';
import type { Compression } from '../../../model/source.ts';
import { FOREIGN_HEADS } from '../../support/foreign-heads.ts';
import { patched } from '../../support/hostile-images.ts';
import { noise, rawDisk } from '../../support/images.ts';
import { needing } from '../../support/programs.ts';

const MIB = 1_048_576;
const CHECKSUMS = [undefined, `{SHA-256}${'a'.repeat(64)}`];

const inspect = (bytes: Buffer, checksum?: string): ReturnType<typeof inspectHead> =>
  inspectHead(bytes.subarray(0, HEAD_LENGTH), bytes.length, 'RAW', limitsFor(checksum));

function expectForeign(bytes: Buffer, name: RegExp): void {
  for (const checksum of CHECKSUMS) {
    expect(() => inspect(bytes, checksum)).toThrow(name);
    expect(() => inspect(bytes, checksum)).toThrow(/^the file is .*; it was declared as RAW$/);
  }
  expect(matchFormats(bytes)).toHaveLength(1);
}

describe('a file of another kind is refused by its name, also with its checksum', () => {
  test.each(FOREIGN_HEADS)('%s', (_, name, head) => expectForeign(head, name));
});

/** Why a packed file is refused; empty when it is not. */
function refusalOf(compression: Compression, head: Buffer, checksum?: string): string {
  try {
    judgeInside({ compression, head, whole: true }, 'RAW', limitsFor(checksum));
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}

test.each(compressions)(
  'packed with %s, a file of another kind is refused by its name, too',
  (compression) => {
    for (const checksum of CHECKSUMS) {
      const accepted = FOREIGN_HEADS.filter(([, name, head]) => {
        const refusal = refusalOf(compression, head, checksum);
        return !name.test(refusal) || !refusal.startsWith(`unpacked from ${compression}, the file is `);
      });
      expect(accepted.map(([kind]) => kind)).toEqual([]);
    }
  },
);

describe('what a program makes of a disk is refused by its name', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'bypass-foreign-'));
    writeFileSync(join(folder, 'disk.img'), rawDisk(MIB));
  });
  afterAll(() => rm(folder, { recursive: true }));

  interface Program {
    readonly args: readonly string[];
    readonly name: RegExp;
    readonly input?: string;
    /** Else it writes to its output. */
    readonly file?: string;
  }
  const programs: readonly (readonly [string, Program])[] = [
    ['xz', { args: ['--format=lzma', '-0kc', 'disk.img'], name: /LZMA/ }],
    ['lzip', { args: ['-0kc', 'disk.img'], name: /lzip/ }],
    ['compress', { args: ['-c', 'disk.img'], name: /compress/ }],
    ['lzop', { args: ['-c', 'disk.img'], name: /lzop/ }],
    ['lz4', { args: ['-cq', 'disk.img'], name: /LZ4/ }],
    ['lz4', { args: ['-clq', 'disk.img'], name: /LZ4/ }],
    ['lrzip', { args: ['-Qo', 'out.lrz', 'disk.img'], name: /lrzip/, file: 'out.lrz' }],
    ['ar', { args: ['rc', 'out.a', 'disk.img'], name: /an ar archive/, file: 'out.a' }],
    ...['v7', 'gnu', 'posix'].map(
      (format) => ['tar', { args: [`--format=${format}`, '-c', 'disk.img'], name: /tar archive/ }] as const,
    ),
    ...['bin', 'odc', 'newc', 'crc'].map(
      (format) => ['cpio', { args: ['-oH', format, '--quiet'], name: /cpio/, input: 'disk.img\n' }] as const,
    ),
    ['7z', { args: ['a', '-mx0', 'out.7z', 'disk.img'], name: /7z archive/, file: 'out.7z' }],
    ['openssl', { args: ['enc', '-aes-128-cbc', '-pbkdf2', '-k', 'x', '-in', 'disk.img'], name: /OpenSSL/ }],
  ];
  describe.each(programs)('%s %j', (program, { args, name, input = '', file }) => {
    needing(program)('is installed', () => {
      test('and its file is refused', () => {
        const options = {
          cwd: folder,
          input,
          maxBuffer: 8 * MIB,
          stdio: ['pipe', 'pipe', 'ignore'],
        } as const;
        const written = execFileSync(program, args, { ...options, stdio: [...options.stdio] });
        expectForeign(file === undefined ? written : readFileSync(join(folder, file)), name);
      });
    });
  });
});

describe('content of which nothing is known', () => {
  const unknown = noise(MIB);

  test('is refused as a raw disk, with what to do', () => {
    expect(() => inspect(unknown)).toThrow(
      /no boot sector, partition table, file system .* register it with its checksum$/,
    );
  });

  test('is accepted as a raw disk when its checksum is given', () => {
    expect(inspect(unknown, CHECKSUMS[1])).toMatchObject({ format: 'RAW', virtualSize: MIB });
  });

  const marked = (at: number, bytes: string): Buffer =>
    patched(unknown, (copy) => copy.write(bytes, at, 'latin1'));
  test.each([
    ['nothing in its beginning', Buffer.concat([Buffer.alloc(65_536), unknown])],
    [
      'an ext file system',
      patched(
        unknown,
        (copy) => (
          copy.writeUInt32LE(2, 0x418),
          copy.writeUInt16LE(0xef53, 0x438),
          copy.writeUInt32LE(1, 0x44c)
        ),
      ),
    ],
    ['XFS', marked(0, 'XFSB')],
    ['LVM', marked(512, 'LABELONE')],
    ['LVM, its label in the last sector it may be in', marked(1536, 'LABELONE')],
    ['F2FS', marked(1024, '\x10\x20\xf5\xf2')],
    ['EROFS', marked(1024, '\xe2\xe1\xf5\xe0')],
    ['HFS+', marked(1024, 'H+\0\x04')],
    ['APFS', marked(32, 'NXSB')],
    ['ZFS', marked(16_384, '\x01\x01\0\0\0\0\0\0\0\0\0\x01')],
    ['JFS', marked(32_768, 'JFS1')],
    ['swap', marked(4086, 'SWAPSPACE2')],
    ['MD RAID', marked(4096, '\xfc\x4e\x2b\xa9')],
    ['BitLocker', marked(3, '-FVE-FS-')],
    ["Sun's label", marked(508, '\xda\xbe')],
    ["SGI's label", marked(0, '\x0b\xe5\xa9\x41')],
    ["BSD's label", marked(512, '\x57\x45\x56\x82')],
    ["Apple's map", patched(marked(0, 'ER'), (copy) => copy.write('PM\0\0', 512, 'latin1'))],
    ["Amiga's map", marked(1024, 'RDSK')],
    ['a DASD label', marked(8192, '\xe5\xd6\xd3\xf1')],
  ])('may be a disk: %s', (_, bytes) => {
    expect(inspect(bytes)).toMatchObject({ format: 'RAW' });
  });
});

describe('a magic of two bytes is none beside the mark of a disk', () => {
  test.each([
    [0x1f, 0x9d, 0x90],
    [0x1f, 0x1e, 0x00],
    [0xc7, 0x71, 0x00],
    [0x4d, 0x5a, 0x90],
    [0x78, 0x9c, 0xec],
  ])('%p', (...bytes) => {
    const disk = patched(rawDisk(MIB), (copy) => Buffer.from(bytes).copy(copy));
    expect(inspect(disk)).toMatchObject({ format: 'RAW', evidence: { found: ['mbr'] } });
  });
});
