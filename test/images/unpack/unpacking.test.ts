/** Packed images: what is published is the image that was in them, right to the byte, or nothing. */
import { stat } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { compressions } from '../../../model/source.ts';
import { isoImage, noise, paddedQcow2, qcow2Image, rawDisk, sha256 } from '../../support/images.ts';
import { casesOfForm } from '../../support/programs.ts';
import { packed, pipedThrough } from '../../support/packed-files.ts';
import { openUnpackLab } from '../../labs/unpack.ts';
import type { UnpackLab } from '../../labs/unpack.ts';
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

describe.each(compressions)('a %s file', (compression) => {
  test('is published byte for byte', async () => {
    const body = await packed(compression, disk);
    const image = await lab.bring(body);
    await lab.expectImage(image, disk);
    expect(image).toMatchObject({
      virtualSize: disk.length,
      transferred: body.length,
      fetched: body.length,
    });
  });
});

const BY_INTEREST = ['zstd', 'zip', 'gzip', 'xz', 'bzip2'] as const;
/** The short form has one program and the two formats that Bypass reads itself. */
const DAMAGED = casesOfForm(BY_INTEREST, 3);
/** What comes out is judged alike, whatever it was packed by. */
const JUDGED = casesOfForm(BY_INTEREST);

describe.each(DAMAGED)('a %s file', (compression) => {
  const cuts: readonly (readonly [where: string, at: (length: number) => number])[] = [
    ['at its end', (length) => length - 7],
    ['in the middle', (length) => length >> 1],
    ['in its header', () => 12],
  ];
  test.each(casesOfForm(cuts))('is refused when it is cut short %s', async (_, at) => {
    const body = await packed(compression, disk);
    await expect(lab.bring(body.subarray(0, at(body.length)))).rejects.toMatchObject({
      kind: 'DamagedArchive',
    });
    await lab.expectNothing();
  });

  test.each(casesOfForm([0.6, 0.3, 0.9]))(
    'is refused with a wrong bit at %d of its length',
    async (place) => {
      const body = Buffer.from(await packed(compression, disk));
      const at = Math.floor(body.length * place);
      body.writeUInt8(body.readUInt8(at) ^ 4, at);
      await expect(lab.bring(body)).rejects.toMatchObject({ class: 'content' });
      await lab.expectNothing();
    },
  );

  const more: readonly (readonly [what: string, bytes: Buffer])[] = [
    ['zeros and then something', Buffer.concat([Buffer.alloc(512), Buffer.from('more')])],
    ['short', Buffer.from('more')],
    ['long', noise(300 * KIB)],
  ];
  test.each(casesOfForm(more))('is refused with other bytes after its end: %s', async (_, behind) => {
    const body = Buffer.concat([await packed(compression, disk), behind]);
    await expect(lab.bring(body)).rejects.toMatchObject({ class: 'content' });
    await lab.expectNothing();
  });
});

describe.each(JUDGED)('a %s file', (compression) => {
  test('is accepted with a qcow2 image inside', async () => {
    const bytes = paddedQcow2(2 * MIB);
    await lab.expectImage(await lab.bring(await packed(compression, bytes), { format: 'QCOW2' }), bytes);
  });

  test('is accepted with an ISO image inside that is shorter than a head', async () => {
    const bytes = isoImage(20 * 2048);
    await lab.expectImage(await lab.bring(await packed(compression, bytes), { format: 'ISO' }), bytes);
  });

  test('is verified by the checksum of the packed file', async () => {
    const body = await packed(compression, disk);
    await expect(lab.bring(body, { checksum: `{SHA-256}${sha256(disk)}` })).rejects.toMatchObject({
      kind: 'ChecksumMismatch',
    });
    await lab.expectNothing();
    const image = await lab.bring(body, { checksum: `{SHA-256}${sha256(body)}` });
    await lab.expectImage(image, disk);
  });

  test('is unpacked with holes for zeros', async () => {
    const sparse = Buffer.concat([rawDisk(MIB), Buffer.alloc(20 * MIB), noise(MIB), Buffer.alloc(10 * MIB)]);
    const image = await lab.bring(await packed(compression, sparse));
    await lab.expectImage(image, sparse);
    const { blocks } = await stat(image.localPath);
    expect(blocks * 512).toBeLessThan(3 * MIB);
    expect(image.physicalSize).toBe(blocks * 512);
  });

  test('is refused with both names when its content has another format than declared', async () => {
    const bytes = paddedQcow2(2 * MIB);
    await expect(lab.bring(await packed(compression, bytes), { format: 'RAW' })).rejects.toMatchObject({
      kind: 'FormatMismatch',
      message: `unpacked from ${compression}, the file is a qcow2 disk; it was declared as RAW`,
    });
    await lab.expectNothing();
  });

  const pages = [
    ['long', HTML],
    ['short', HTML.subarray(0, 200)],
  ] as const;
  test.each(casesOfForm(pages))('is refused with a %s HTML page inside', async (_, page) => {
    await expect(lab.bring(await packed(compression, page), { format: 'QCOW2' })).rejects.toMatchObject({
      kind: 'FormatMismatch',
      message: expect.stringContaining('an HTML page') as string,
    });
    await lab.expectNothing();
  });

  test('is refused when it is packed twice', async () => {
    const body = await packed(compression, await packed('gzip', disk));
    await expect(lab.bring(body)).rejects.toMatchObject({
      message: `unpacked from ${compression}, the file is a gzip file; it was declared as RAW`,
    });
    await lab.expectNothing();
  });

  test('is refused when the image inside needs another file', async () => {
    const body = await packed(compression, qcow2Image({ backingOffset: 512n, backingSize: 11 }));
    await expect(lab.bring(body, { format: 'QCOW2' })).rejects.toMatchObject({ kind: 'HostileImage' });
    await lab.expectNothing();
  });

  test('is refused when the image inside is cut short', async () => {
    const iso = isoImage(200 * 2048).subarray(0, 150 * 2048);
    await expect(lab.bring(await packed(compression, iso), { format: 'ISO' })).rejects.toMatchObject({
      kind: 'HostileImage',
    });
    await lab.expectNothing();
  });
});

describe('a file of several members', () => {
  test.each(casesOfForm(['gzip', 'zstd', 'bzip2', 'xz'] as const, 2))(
    'is unpacked as a whole: %s',
    async (compression) => {
      const parts = [disk.subarray(0, 100), disk.subarray(100, MIB), disk.subarray(MIB)];
      const body = await Promise.all(parts.map((part) => packed(compression, part)));
      await lab.expectImage(await lab.bring(Buffer.concat(body)), disk);
    },
  );

  test('is unpacked when its gzip members end at chunk limits', async () => {
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
  ] as const)('may be padded with zeros: %s', async (compression, padding) => {
    await lab.expectImage(await lab.bring(Buffer.concat([await packed(compression, disk), padding])), disk);
  });

  test('is unpacked without its skippable zstd frames, also when the first frame is one', async () => {
    const skipped = Buffer.concat([Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0]), Buffer.from('abc')]);
    const body = Buffer.concat([skipped, await packed('zstd', disk), skipped]);
    await lab.expectImage(await lab.bring(body), disk);
  });

  test('is refused with another compression after a zstd frame', async () => {
    const body = Buffer.concat([await packed('zstd', disk), await packed('xz', disk)]);
    await expect(lab.bring(body)).rejects.toMatchObject({
      kind: 'DamagedArchive',
      message: expect.stringContaining('not of zstd') as string,
    });
    await lab.expectNothing();
  });
});

describe('a file packed by a program with options', () => {
  const sizes = [
    ['xz', ['-1c', '--block-size=256KiB', '--threads=2']],
    ['zstd', ['-19cq', '--long=27']],
    ['gzip', ['-9c']],
    ['bzip2', ['-9c']],
    ['xz', ['-6c', '--check=crc32']],
    ['xz', ['-1c', '--check=none']],
    ['zstd', ['-1cq', '--no-check']],
  ] as const;
  test.each(casesOfForm(sizes, 2))('is unpacked: %s %j', async (program, args) => {
    await lab.expectImage(await lab.bring(await pipedThrough(program, args, disk)), disk);
  });
});

test('a file that matches two formats is refused', async () => {
  const body = Buffer.alloc(80 * KIB);
  (await packed('gzip', noise(8 * KIB))).copy(body);
  isoImage().copy(body, 0x8000, 0x8000, 0x9000);
  await expect(lab.bring(body, { format: 'ISO' })).rejects.toMatchObject({ kind: 'HostileImage' });
  await lab.expectNothing();
});

const unsupported = [
  ['7z', Buffer.concat([Buffer.from('7z\xbc\xaf\x27\x1c', 'latin1'), noise(100_000)]), 'a 7z archive'],
  ['lz4', Buffer.concat([Buffer.from([4, 0x22, 0x4d, 0x18]), noise(100_000)]), 'an LZ4 file'],
] as const;
test.each(casesOfForm(unsupported))('an unsupported %s archive is refused', async (_, body, name) => {
  await expect(lab.bring(body)).rejects.toMatchObject({
    kind: 'FormatMismatch',
    message: `the file is ${name}; it was declared as RAW`,
  });
});

describe('a zip archive', () => {
  const entry = { name: 'disk.img', bytes: disk };
  const fork = { name: '__MACOSX/._disk.img', bytes: noise(212), stored: true };
  const readme = { name: 'README.md', bytes: Buffer.from('# How to begin') };
  const good = [
    ['zip64, sizes behind the data', () => zipOf([{ ...entry, zip64: true, descriptor: 'signed' }])],
    ['texts around it', () => zipOf([readme, entry, { ...readme, name: 'a/SHA256SUMS', stored: true }])],
    ['sizes behind the data, without a signature', () => zipOf([{ ...entry, descriptor: 'bare' }])],
    ['stored', () => zipOf([{ ...entry, stored: true }])],
    ['a name that is a path elsewhere', () => zipOf([{ ...entry, name: '../../../etc/passwd' }])],
    ['sizes behind the data', () => zipOf([{ ...entry, descriptor: 'signed' }])],
    ['zip64', () => zipOf([{ ...entry, zip64: true }], { zip64: true })],
    ['zip64, stored', () => zipOf([{ ...entry, zip64: true, stored: true }], { zip64: true })],
    ['a comment', () => zipOf([entry], { comment: 'made by hand' })],
    [
      'a folder before it',
      () => zipOf([{ name: 'a/', bytes: Buffer.alloc(0), stored: true, mode: 0o40755 }, entry]),
    ],
    [
      'a folder behind it',
      () => zipOf([entry, { name: 'a/', bytes: Buffer.alloc(0), stored: true, mode: 0o40755 }]),
    ],
    ['a resource fork of macOS behind it', () => zipOf([entry, fork])],
    ['a resource fork of macOS before it', () => zipOf([fork, entry])],
    ['a text before it, sizes behind the data', () => zipOf([{ ...readme, descriptor: 'bare' }, entry])],
    ['a text behind it, zip64', () => zipOf([entry, { ...readme, zip64: true, descriptor: 'signed' }])],
  ] as const;
  test.each(casesOfForm(good, 5))('is unpacked: %s', async (_, make) => {
    await lab.expectImage(await lab.bring(make()), disk);
  });

  const bad = [
    ['with two files', () => zipOf([entry, { ...entry, name: 'b' }]), 'more than one file'],
    ['of a link', () => zipOf([{ ...entry, mode: 0o120777 }]), 'such as a link'],
    ['encrypted', () => zipOf([{ ...entry, flags: 1 }]), 'encrypted'],
    ['whose directory has another size', () => zipOf([{ ...entry, lies: { size: 5 } }]), 'contradicts'],
    ['that counts wrong, zip64', () => zipOf([entry], { count: 2, zip64: true }), 'contradicts'],
    ['stored, sizes behind', () => zipOf([{ ...entry, stored: true, descriptor: 'signed' }]), 'too late'],
    ['without a file', () => zipOf([]), 'without a file'],
    [
      'with two files, the second small',
      () => zipOf([entry, { name: 'b', bytes: Buffer.from('b') }]),
      'more than one',
    ],
    ['with nothing but a text', () => zipOf([readme, fork]), 'without a file that may be an image'],
    [
      'with much beside its image',
      () => zipOf([{ ...readme, bytes: Buffer.alloc(17 * MIB) }, entry]),
      'bytes beside its image',
    ],
    [
      'with many files beside its image',
      () => zipOf([...Array.from({ length: 1001 }, () => ({ ...readme, bytes: Buffer.alloc(0) })), entry]),
      'more than 1000 files',
    ],
    [
      'whose text is another one in its directory',
      () => zipOf([{ ...readme, lies: { name: 'LICENSE' } }, entry]),
      'contradicts',
    ],
    [
      'whose image is a text in its directory',
      () => zipOf([{ ...entry, lies: { name: 'README' } }, readme]),
      'contradicts',
    ],
    ['whose text is damaged', () => zipOf([{ ...readme, lies: { size: 3 } }, entry]), 'contradicts'],
    ['of a device', () => zipOf([{ ...entry, mode: 0o060600 }]), 'no regular file'],
    ['of another method', () => zipOf([{ ...entry, method: 12 }]), 'compression method 12'],
    [
      'whose directory has another name',
      () => zipOf([{ ...entry, lies: { name: 'else.img' } }]),
      'contradicts',
    ],
    ['whose directory points elsewhere', () => zipOf([{ ...entry, lies: { offset: 9 } }]), 'contradicts'],
    ['that counts wrong', () => zipOf([entry], { count: 2 }), 'contradicts'],
  ] as const;
  test.each(casesOfForm(bad, 6))('is refused: one %s', async (_, make, why) => {
    await expect(lab.bring(make())).rejects.toMatchObject({
      class: 'content',
      message: expect.stringContaining(why) as string,
    });
    await lab.expectNothing();
  });
});
