/** Files that unpack to more than is good: refused while they unpack, with nothing left of them. */
import { crc32, gzipSync } from 'node:zlib';
import type { UnpackSettings } from '../../../images/unpack/limits.ts';
import type { DownloadRequest } from '../../../images/attempt/download.ts';
import { qcow2Image, rawDisk } from '../../support/images.ts';
import { casesOfForm, isFullRun } from '../../support/programs.ts';
import { pipedThrough, packed } from '../../support/packed-files.ts';
import { openUnpackLab } from '../../labs/unpack.ts';
import type { UnpackLab } from '../../labs/unpack.ts';
import { zipOf } from '../../support/zip.ts';

const MIB = 1_048_576;
let lab: UnpackLab;
beforeEach(async () => {
  lab = await openUnpackLab();
});
afterEach(() => lab.close());

/** A disk with nothing on it but a partition table: the best that a packer can get. */
const empty = (): Buffer => Buffer.concat([TABLE, Buffer.alloc(300 * MIB)]);
const TABLE = rawDisk(2048).fill(0, 512);

/** The short form packs a tenth of the zeros, and repeats it: a packed file may have any number of members. */
async function emptyPacked(program: string, args: readonly string[]): Promise<Buffer> {
  if (isFullRun) return pipedThrough(program, args, empty());
  const [table, zeros] = await Promise.all(
    [TABLE, Buffer.alloc(30 * MIB)].map((part) => pipedThrough(program, args, part)),
  );
  return Buffer.concat([table as Buffer, ...Array.from({ length: 10 }, () => zeros as Buffer)]);
}
const PACKERS = [
  ['gzip', ['-9c']],
  ['xz', ['-1c']],
  ['bzip2', ['-9c']],
  ['zstd', ['-1cq']],
] as const;

// Bypass unpacks gzip itself, and every other compression by a program, for which the limit of the disk is tested below.
test.each(casesOfForm(PACKERS))(
  'a %s file that unpacks to more than the maximum ratio is refused',
  async (program, args) => {
    const body = await emptyPacked(program, args);
    await expect(lab.bring(body)).rejects.toMatchObject({
      kind: 'HostileArchive',
      message: expect.stringMatching(/unpacks to more than 268435456 bytes, which is \d+ times/) as string,
    });
    await lab.expectNothing();
    const image = await lab.bring(body, {}, { unpack: { maxRatio: 1e9 } });
    expect(image).toMatchObject({ size: 300 * MIB + 2048, transferred: body.length });
    expect(image.physicalSize).toBeLessThan(MIB);
  },
);

test('a file that unpacks to more than the largest allowed disk is refused, whatever the ratio', async () => {
  const body = await pipedThrough('zstd', ['-1cq'], Buffer.concat([TABLE, Buffer.alloc(80 * MIB)]));
  const limits = { maxVirtualSize: 10 * MIB };
  await expect(lab.bring(body, {}, { limits, unpack: { maxRatio: 1e9 } })).rejects.toMatchObject({
    kind: 'HostileArchive',
    message: expect.stringContaining(`more than ${74 * MIB} bytes`) as string,
  });
  await lab.expectNothing();
});

test('a qcow2 file that is much longer than its disk is refused', async () => {
  const body = await packed('zstd', Buffer.concat([qcow2Image(), Buffer.alloc(100 * MIB)]));
  await expect(lab.bring(body, { format: 'QCOW2' }, { unpack: { maxRatio: 1e9 } })).rejects.toMatchObject({
    kind: 'HostileArchive',
    message: expect.stringContaining('the disk in it') as string,
  });
  await lab.expectNothing();
});

// The limit is one for all formats. The short form refuses files that are packed twice in
// test/images/unpack/unpacking.test.ts.
if (isFullRun) {
  test('a zip archive that unpacks to more than the maximum ratio is refused', async () => {
    const body = zipOf([{ name: 'disk.img', bytes: empty() }]);
    await expect(lab.bring(body, {}, { unpack: { maxRatio: 100 } })).rejects.toMatchObject({
      kind: 'HostileArchive',
    });
    await lab.expectNothing();
  });

  test('gzip in gzip, with a ratio of 400 000, is refused', async () => {
    await expect(lab.bring(gzipSync(gzipSync(empty())))).rejects.toMatchObject({ kind: 'FormatMismatch' });
    await lab.expectNothing();
  });
}

describe('the memory for dictionaries', () => {
  const refused = { kind: 'HostileArchive', message: expect.stringContaining('memory to unpack') as string };
  const small = rawDisk(MIB);

  test('is refused for xz with 1 GiB and granted with 64 MiB', async () => {
    // A dictionary that the block header asks for need not be filled.
    const big = await pipedThrough('xz', ['-c', '--lzma2=preset=0,dict=1MiB'], small);
    const asks = withDictionary(big, 36);
    await expect(lab.bring(asks)).rejects.toMatchObject(refused);
    await lab.expectNothing();
    expect((await lab.bring(withDictionary(big, 28))).size).toBe(MIB);
  });

  test.each(
    casesOfForm([
      ['window log 31', 0xa8],
      ['window log 28', 0x90],
      ['a window just over 128 MiB', 0x89],
    ] as const),
  )('is refused for zstd with %s', async (_, window) => {
    const body = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, window, 0x03, 0x00, 0x10, 0x00]);
    await expect(lab.bring(body)).rejects.toMatchObject(refused);
    await lab.expectNothing();
  });

  test('is refused for zstd --ultra --long=31 and granted for --long=27', async () => {
    // From a pipe, so that the packer does not know how little there is, and takes the whole window.
    await expect(lab.bring(await pipedThrough('zstd', windowed(31), small))).rejects.toMatchObject(refused);
    expect((await lab.bring(await pipedThrough('zstd', windowed(27), small))).size).toBe(MIB);
  });

  test('is refused for zstd when the second frame needs too much', async () => {
    const body = Buffer.concat([
      await packed('zstd', small),
      Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 0x01, 0x00, 0x00]),
    ]);
    await expect(lab.bring(body)).rejects.toMatchObject(refused);
    await lab.expectNothing();
  });

  test('is refused for zstd with an external dictionary', async () => {
    const body = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x01, 0x50, 0x07, 0x01, 0x00, 0x00]);
    await expect(lab.bring(body)).rejects.toMatchObject({ kind: 'HostileArchive' });
  });
});

const windowed = (log: number): readonly string[] => ['-cq', '-1', `--long=${log}`, '--ultra'];

/** An xz file with another dictionary size in the header of its first block. */
function withDictionary(file: Buffer, property: number): Buffer {
  const copy = Buffer.from(file);
  const block = 12;
  const length = (copy.readUInt8(block) + 1) * 4;
  const filter = copy.indexOf(Buffer.from([0x21, 0x01]), block);
  expect(filter).toBeLessThan(block + length);
  copy.writeUInt8(property, filter + 2);
  copy.writeUInt32LE(crc32(copy.subarray(block, block + length - 4)), block + length - 4);
  return copy;
}

describe('a missing program', () => {
  const unpack: UnpackSettings = { path: '/nonexistent' };
  const bring = async (program: 'xz' | 'bzip2' | 'zstd', changes: Partial<DownloadRequest> = {}) =>
    lab.bring(await packed(program, rawDisk(MIB)), changes, { unpack });

  test.each(casesOfForm(['xz', 'bzip2', 'zstd'] as const))(
    'fails with its name when it is %s',
    async (program) => {
      await expect(bring(program)).rejects.toMatchObject({
        kind: 'ProgramMissing',
        class: 'host',
        message: `the program ${program}, which unpacks the file, is not installed`,
      });
      await lab.expectNothing();
    },
  );

  test.each(casesOfForm(['gzip', 'zip'] as const))('does not affect %s', async (compression) => {
    const disk = rawDisk(MIB);
    await lab.expectImage(await lab.bring(await packed(compression, disk), {}, { unpack }), disk);
  });
});
