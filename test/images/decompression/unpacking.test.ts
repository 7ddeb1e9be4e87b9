/** Packed images: what is published is the image that was in them, right to the byte, or nothing. */
import { stat } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { compressions } from '../../../model/source.ts';
import { isoImage, noise, paddedQcow2, qcow2Image, rawDisk, sha256 } from '../../support/images.ts';
import { packed, pipedThrough } from '../../support/packed.ts';
import { openUnpackLab } from '../../support/unpack-lab.ts';
import type { UnpackLab } from '../../support/unpack-lab.ts';
import { zipOf } from '../../support/zip.ts';

const MIB = 1_048_576;
const KIB = 1024;
let lab: UnpackLab;
beforeEach(async () => {
  lab = await openUnpackLab();
});
afterEach(() => lab.close());

const disk = rawDisk(1.5 * MIB + 512);
const HTML = Buffer.from(`<!doctype html><title>Log in</title>${' '.repeat(100_000)}`);

describe.each(compressions)('%s', (compression) => {
  test('the image is published, right to the byte', async () => {
    const body = await packed(compression, disk);
    const image = await lab.bring(body);
    await lab.expectImage(image, disk);
    expect(image).toMatchObject({
      virtualSize: disk.length,
      transferred: body.length,
      fetched: body.length,
    });
  });

  test('a qcow2 image', async () => {
    const bytes = paddedQcow2(2 * MIB);
    await lab.expectImage(await lab.bring(await packed(compression, bytes), { format: 'QCOW2' }), bytes);
  });

  test('an ISO image that is smaller than a head', async () => {
    const bytes = isoImage(20 * 2048);
    await lab.expectImage(await lab.bring(await packed(compression, bytes), { format: 'ISO' }), bytes);
  });

  test('the checksum is that of the packed file', async () => {
    const body = await packed(compression, disk);
    await expect(lab.bring(body, { checksum: `{SHA-256}${sha256(disk)}` })).rejects.toMatchObject({
      kind: 'ChecksumMismatch',
    });
    await lab.expectNothing();
    const image = await lab.bring(body, { checksum: `{SHA-256}${sha256(body)}` });
    await lab.expectImage(image, disk);
  });

  test('zeros take no room', async () => {
    const sparse = Buffer.concat([rawDisk(MIB), Buffer.alloc(20 * MIB), noise(MIB), Buffer.alloc(10 * MIB)]);
    const image = await lab.bring(await packed(compression, sparse));
    await lab.expectImage(image, sparse);
    const { blocks } = await stat(image.localPath);
    expect(blocks * 512).toBeLessThan(3 * MIB);
    expect(image.physicalSize).toBe(blocks * 512);
  });

  test.each([
    ['at its end', (length: number) => length - 7],
    ['in the middle', (length: number) => length >> 1],
    ['in its header', () => 12],
  ])('cut short %s: refused', async (_, at) => {
    const body = await packed(compression, disk);
    await expect(lab.bring(body.subarray(0, at(body.length)))).rejects.toMatchObject({
      kind: 'DamagedArchive',
    });
    await lab.expectNothing();
  });

  test.each([0.3, 0.6, 0.9])('a wrong bit at %d of it: refused', async (place) => {
    const body = Buffer.from(await packed(compression, disk));
    const at = Math.floor(body.length * place);
    body.writeUInt8(body.readUInt8(at) ^ 4, at);
    await expect(lab.bring(body)).rejects.toMatchObject({ class: 'content' });
    await lab.expectNothing();
  });

  test.each([
    ['short', Buffer.from('more')],
    ['long', noise(300 * KIB)],
    ['zeros and then something', Buffer.concat([Buffer.alloc(512), Buffer.from('more')])],
  ])('something behind it, %s: refused', async (_, behind) => {
    const body = Buffer.concat([await packed(compression, disk), behind]);
    await expect(lab.bring(body)).rejects.toMatchObject({ class: 'content' });
    await lab.expectNothing();
  });

  test('what is in it is not what was declared: refused, with both names', async () => {
    const bytes = paddedQcow2(2 * MIB);
    await expect(lab.bring(await packed(compression, bytes), { format: 'RAW' })).rejects.toMatchObject({
      kind: 'FormatMismatch',
      message: `unpacked from ${compression}, the file is a qcow2 disk; it was declared as RAW`,
    });
    await lab.expectNothing();
  });

  test.each([
    ['long', HTML],
    ['short', HTML.subarray(0, 200)],
  ])('an HTML page in it, %s: refused', async (_, page) => {
    await expect(lab.bring(await packed(compression, page), { format: 'QCOW2' })).rejects.toMatchObject({
      kind: 'FormatMismatch',
      message: expect.stringContaining('an HTML page') as string,
    });
    await lab.expectNothing();
  });

  test('packed twice: refused', async () => {
    const body = await packed(compression, await packed('gzip', disk));
    await expect(lab.bring(body)).rejects.toMatchObject({
      message: `unpacked from ${compression}, the file is a gzip file; it was declared as RAW`,
    });
    await lab.expectNothing();
  });

  test('an image that needs another file: refused', async () => {
    const body = await packed(compression, qcow2Image({ backingOffset: 512n, backingSize: 11 }));
    await expect(lab.bring(body, { format: 'QCOW2' })).rejects.toMatchObject({ kind: 'HostileImage' });
    await lab.expectNothing();
  });

  test('an image that is cut short within: refused', async () => {
    const iso = isoImage(200 * 2048).subarray(0, 150 * 2048);
    await expect(lab.bring(await packed(compression, iso), { format: 'ISO' })).rejects.toMatchObject({
      kind: 'HostileImage',
    });
    await lab.expectNothing();
  });
});

describe('several members in one file', () => {
  test.each(['gzip', 'bzip2', 'xz', 'zstd'] as const)('%s', async (compression) => {
    const parts = [disk.subarray(0, 100), disk.subarray(100, MIB), disk.subarray(MIB)];
    const body = await Promise.all(parts.map((part) => packed(compression, part)));
    await lab.expectImage(await lab.bring(Buffer.concat(body)), disk);
  });

  test('gzip members that end where a chunk does', async () => {
    const overhead = gzipSync(disk.subarray(0, 256 * KIB - 100), { level: 0 }).length - (256 * KIB - 100);
    const first = disk.subarray(0, 256 * KIB - overhead);
    const exact = gzipSync(first, { level: 0 });
    expect(exact).toHaveLength(256 * KIB);
    await lab.expectImage(
      await lab.bring(Buffer.concat([exact, gzipSync(disk.subarray(first.length))])),
      disk,
    );
    await lab.expectImage(await lab.bring(exact), first);
    await lab.expectImage(await lab.bring(Buffer.concat([exact, Buffer.alloc(512)])), first);
  });

  test.each([
    ['gzip', Buffer.alloc(10_000)],
    ['xz', Buffer.alloc(8)],
  ] as const)('%s may be padded with zeros', async (compression, padding) => {
    await lab.expectImage(await lab.bring(Buffer.concat([await packed(compression, disk), padding])), disk);
  });

  test('zstd frames that are to be skipped, the first one included', async () => {
    const skipped = Buffer.concat([Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0]), Buffer.from('abc')]);
    const body = Buffer.concat([skipped, await packed('zstd', disk), skipped]);
    await lab.expectImage(await lab.bring(body), disk);
  });

  test('another compression behind a zstd frame: refused', async () => {
    const body = Buffer.concat([await packed('zstd', disk), await packed('xz', disk)]);
    await expect(lab.bring(body)).rejects.toMatchObject({
      kind: 'DamagedArchive',
      message: expect.stringContaining('not of zstd') as string,
    });
    await lab.expectNothing();
  });
});

describe('what programs make', () => {
  const sizes = [
    ['gzip', ['-9c']],
    ['bzip2', ['-9c']],
    ['xz', ['-6c', '--check=crc32']],
    ['xz', ['-1c', '--check=none']],
    ['xz', ['-1c', '--block-size=256KiB', '--threads=2']],
    ['zstd', ['-19cq', '--long=27']],
    ['zstd', ['-1cq', '--no-check']],
  ] as const;
  test.each(sizes)('%s %j', async (program, args) => {
    await lab.expectImage(await lab.bring(await pipedThrough(program, args, disk)), disk);
  });
});

test('two formats at once: refused', async () => {
  const body = Buffer.alloc(80 * KIB);
  (await packed('gzip', noise(8 * KIB))).copy(body);
  isoImage().copy(body, 0x8000, 0x8000, 0x9000);
  await expect(lab.bring(body, { format: 'ISO' })).rejects.toMatchObject({ kind: 'HostileImage' });
  await lab.expectNothing();
});

test.each([
  ['7z', Buffer.concat([Buffer.from('7z\xbc\xaf\x27\x1c', 'latin1'), noise(100_000)]), 'a 7z archive'],
  ['lz4', Buffer.concat([Buffer.from([4, 0x22, 0x4d, 0x18]), noise(100_000)]), 'an LZ4 file'],
])('%s is not unpacked', async (_, body, name) => {
  await expect(lab.bring(body)).rejects.toMatchObject({
    kind: 'FormatMismatch',
    message: `the file is ${name}; it was declared as RAW`,
  });
});

describe('zip', () => {
  const entry = { name: 'disk.img', bytes: disk };
  test.each([
    ['stored', zipOf([{ ...entry, stored: true }])],
    ['sizes behind the data', zipOf([{ ...entry, descriptor: 'signed' }])],
    ['sizes behind the data, without a signature', zipOf([{ ...entry, descriptor: 'bare' }])],
    ['zip64', zipOf([{ ...entry, zip64: true }], { zip64: true })],
    ['zip64, stored', zipOf([{ ...entry, zip64: true, stored: true }], { zip64: true })],
    ['zip64, sizes behind the data', zipOf([{ ...entry, zip64: true, descriptor: 'signed' }])],
    ['a comment', zipOf([entry], { comment: 'made by hand' })],
    [
      'a folder before it',
      zipOf([{ name: 'a/', bytes: Buffer.alloc(0), stored: true, mode: 0o40755 }, entry]),
    ],
    [
      'a folder behind it',
      zipOf([entry, { name: 'a/', bytes: Buffer.alloc(0), stored: true, mode: 0o40755 }]),
    ],
    ['a name that is a path elsewhere', zipOf([{ ...entry, name: '../../../etc/passwd' }])],
  ])('%s: taken', async (_, body) => {
    await lab.expectImage(await lab.bring(body), disk);
  });

  test.each([
    ['without a file', zipOf([]), 'without a file'],
    ['with two files', zipOf([entry, { ...entry, name: 'b' }]), 'more than one file'],
    [
      'with two files, the second small',
      zipOf([entry, { name: 'b', bytes: Buffer.from('b') }]),
      'more than one',
    ],
    ['encrypted', zipOf([{ ...entry, flags: 1 }]), 'encrypted'],
    ['of a link', zipOf([{ ...entry, mode: 0o120777 }]), 'such as a link'],
    ['of a device', zipOf([{ ...entry, mode: 0o060600 }]), 'no regular file'],
    ['of another method', zipOf([{ ...entry, method: 12 }]), 'compression method 12'],
    ['whose directory has another name', zipOf([{ ...entry, lies: { name: 'else.img' } }]), 'contradicts'],
    ['whose directory has another size', zipOf([{ ...entry, lies: { size: 5 } }]), 'contradicts'],
    ['whose directory points elsewhere', zipOf([{ ...entry, lies: { offset: 9 } }]), 'contradicts'],
    ['that counts wrong', zipOf([entry], { count: 2 }), 'contradicts'],
    ['that counts wrong, zip64', zipOf([entry], { count: 2, zip64: true }), 'contradicts'],
    ['stored, sizes behind', zipOf([{ ...entry, stored: true, descriptor: 'signed' }]), 'too late'],
  ])('%s: refused', async (_, body, why) => {
    await expect(lab.bring(body)).rejects.toMatchObject({
      class: 'content',
      message: expect.stringContaining(why) as string,
    });
    await lab.expectNothing();
  });
});
