/** What a probe reports of a compressed image before it is downloaded. */
import type { UnpackSettings } from '../../../images/unpack/limits.ts';
import { probe } from '../../../images/attempt/probe.ts';
import { createSources } from '../../../images/fetch/sources.ts';
import { judgeRegistration } from '../../../model/registration.ts';
import { compressions } from '../../../model/source.ts';
import type { UrlReport } from '../../../model/source.ts';
import type { TemplateFormat } from '../../../model/states.ts';
import { startImageServer } from '../../support/image-server.ts';
import type { Behaviour, ImageServer } from '../../support/image-server.ts';
import { isoImage, noise, paddedQcow2, qcow2Image, rawDisk } from '../../support/images.ts';
import { onLoopback } from '../../support/loopback.ts';
import { packed, pipedThrough } from '../../support/packed-files.ts';
import { casesOfForm } from '../../support/programs.ts';
import { zipOf } from '../../support/zip.ts';

const MIB = 1_048_576;
let server: ImageServer;
beforeEach(async () => {
  server = await startImageServer();
});
afterEach(() => server.close());

async function look(
  body: Buffer,
  format: TemplateFormat,
  unpack: UnpackSettings = {},
  behaviour: Behaviour = {},
): Promise<UrlReport> {
  server.serve('/x', { body, ...behaviour });
  const request = { url: server.url('/x'), format, budgetMs: 20_000 };
  const { urls } = await probe(request, { sources: createSources(onLoopback), unpack });
  return urls[0] as UrlReport;
}

const verdictOf = (url: UrlReport) =>
  judgeRegistration({ demandAllMirrors: false }, { v: 1, hostId: 'h', urls: [url] });

const qcow2 = paddedQcow2(2 * MIB);

describe.each(compressions)('the probe of a %s file', (compression) => {
  test('a qcow2 image inside is reported with its virtual size', async () => {
    const body = await packed(compression, qcow2);
    const seen = await look(body, 'QCOW2');
    expect(seen).toMatchObject({
      reachable: true,
      compression,
      format: 'qcow2',
      size: body.length,
      virtualSize: MIB,
    });
    expect(verdictOf(seen)).toMatchObject({
      accepted: true,
      size: body.length,
      virtualSize: MIB,
      compression,
    });
  });

  test('an image of another format than declared is refused', async () => {
    const seen = await look(await packed(compression, qcow2), 'RAW');
    expect(seen).toMatchObject({
      reachable: false,
      reason: `unpacked from ${compression}, the file is a qcow2 disk; it was declared as RAW`,
    });
    expect(verdictOf(seen)).toMatchObject({ accepted: false });
  });
});

/** What comes out is judged alike, whatever it was packed by. */
const JUDGED = casesOfForm(['zstd', 'zip', 'gzip', 'xz', 'bzip2'] as const);

describe.each(JUDGED)('the probe of a %s file', (compression) => {
  test('a raw disk inside has no certain size, but its partitions give one for planning', async () => {
    const body = await packed(compression, rawDisk(4 * MIB));
    const seen = await look(body, 'RAW');
    expect(seen).toMatchObject({ reachable: true, compression, virtualSize: 0 });
    expect(seen.unpackedSize).toBe(4 * MIB);
    expect(verdictOf(seen)).toMatchObject({ accepted: true, virtualSize: 0, unpackedSize: 4 * MIB });
  });

  test('an ISO image inside has no certain size, but its volume gives one for planning', async () => {
    const iso = Buffer.concat([isoImage(128 * 2048), noise(MIB)]);
    iso.writeUInt32LE(iso.length / 2048, 0x8000 + 80);
    const seen = await look(await packed(compression, iso), 'ISO');
    expect(seen).toMatchObject({ reachable: true, virtualSize: 0, unpackedSize: iso.length });
  });

  test('a short image inside is reported with its exact size', async () => {
    const seen = await look(await packed(compression, isoImage(20 * 2048)), 'ISO');
    expect(seen).toMatchObject({ reachable: true, virtualSize: 40_960, unpackedSize: 40_960 });
  });

  test('an image that needs another file is refused', async () => {
    const body = await packed(compression, qcow2Image({ backingOffset: 512n, backingSize: 11 }));
    expect(await look(body, 'QCOW2')).toMatchObject({ reachable: false });
  });
});

test('a bzip2 block that is longer than the first request is read by a second one', async () => {
  const body = await pipedThrough('bzip2', ['-9c'], paddedQcow2(3 * MIB));
  expect(await look(body, 'QCOW2')).toMatchObject({ format: 'qcow2', virtualSize: MIB });
  expect(server.seen('/x').requests).toHaveLength(2);
});

test.each(casesOfForm(['xz', 'bzip2', 'zstd'] as const))(
  'a probe on a host without %s reports the missing program',
  async (program) => {
    const seen = await look(await packed(program, qcow2), 'QCOW2', { path: '/nonexistent' });
    expect(seen).toMatchObject({
      reachable: false,
      reason: `the program ${program}, which unpacks the file, is not installed`,
    });
  },
);

test('a zip archive is refused by its beginning when it is empty or encrypted', async () => {
  expect(await look(zipOf([]), 'RAW')).toMatchObject({ reachable: false });
  const encrypted = zipOf([{ name: 'a', bytes: rawDisk(MIB), flags: 1 }]);
  expect(await look(encrypted, 'RAW')).toMatchObject({
    reachable: false,
    reason: expect.stringContaining('encrypted') as string,
  });
});

test.each(casesOfForm(['gzip', 'xz', 'zstd'] as const))(
  'an initial RAM disk, which is a cpio archive in %s, is refused by its name',
  async (compression) => {
    const archive = Buffer.concat([Buffer.from('070701'), noise(MIB)]);
    const seen = await look(await packed(compression, archive), 'RAW');
    expect(seen.reason).toBe(
      `unpacked from ${compression}, the file is a cpio archive (an initial RAM disk, perhaps); it was declared as RAW`,
    );
    expect(verdictOf(seen)).toMatchObject({ accepted: false });
  },
);

describe('a zip archive with a directory at its end', () => {
  const disk = Buffer.concat([rawDisk(MIB), noise(MIB, 5)]);
  const image = { name: 'disk.img', bytes: disk };
  const beside = [
    { name: '__MACOSX/._disk.img', bytes: noise(212), stored: true },
    { name: 'LICENSE', bytes: Buffer.from('free') },
  ];
  const folders = Array.from({ length: 1500 }, (_, at) => ({
    name: `${'a'.repeat(60)}${at}/`,
    bytes: Buffer.alloc(0),
    stored: true,
    mode: 0o40755,
  }));

  const good = [
    ['with a comment', () => zipOf([image, ...beside], { comment: 'x'.repeat(65_535) })],
    ['of zip64', () => zipOf([{ ...image, zip64: true, descriptor: 'signed' }, ...beside], { zip64: true })],
    ['whose directory is long', () => zipOf([image, ...folders])],
    ['alone', () => zipOf([image])],
    ['with other files beside it', () => zipOf([...beside, image])],
  ] as const;
  test.each(casesOfForm(good, 3))('is reported with the size of its image: %s', async (_, make) => {
    expect(await look(make(), 'RAW')).toMatchObject({ reachable: true, unpackedSize: disk.length });
  });

  const bad = [
    ['of several files', () => zipOf([image, { name: 'b.img', bytes: disk }]), 'more than one file'],
    ['that is cut short', () => zipOf([image]).subarray(0, -30), 'no end of a zip archive'],
    [
      'whose directory begins elsewhere',
      () => Buffer.concat([zipOf([image]).subarray(0, 100), zipOf([image])]),
      'no zip directory where it is due',
    ],
    ['of no image', () => zipOf([{ ...image, name: 'image.txt' }]), 'without a file that may be an image'],
    [
      'with a link',
      () => zipOf([image, { name: 'b', bytes: Buffer.from('/etc'), mode: 0o120777 }]),
      'a link',
    ],
    [
      'with something behind it',
      () => Buffer.concat([zipOf([image]), noise(100)]),
      'no end of a zip archive',
    ],
    ['that counts wrong', () => zipOf([image], { count: 2 }), 'contradicts'],
  ] as const;
  test.each(casesOfForm(bad, 3))('is refused before the download: one %s', async (_, make, reason) => {
    const seen = await look(make(), 'RAW');
    expect(seen.reachable).toBe(false);
    expect(seen.reason).toContain(reason);
  });

  test('is accepted by the probe when the source serves no ranges', async () => {
    const body = zipOf([image, { name: 'b.img', bytes: disk }]);
    expect(await look(body, 'RAW', {}, { ranges: false })).toMatchObject({ reachable: true });
  });
});

test('a dictionary that is too large is refused', async () => {
  const body = await pipedThrough('zstd', ['-cq', '-1', '--long=31', '--ultra'], paddedQcow2(2 * MIB));
  expect(await look(body, 'QCOW2')).toMatchObject({
    reachable: false,
    reason: expect.stringContaining('2048 MiB of memory') as string,
  });
});
