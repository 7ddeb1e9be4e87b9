/** What is told of a packed image before it is downloaded. */
import type { UnpackSettings } from '../../../images/decompression/limits.ts';
import { probe } from '../../../images/probe.ts';
import { createSources } from '../../../images/sources/index.ts';
import { judgeRegistration } from '../../../model/registration.ts';
import { compressions } from '../../../model/source.ts';
import type { UrlReport } from '../../../model/source.ts';
import type { TemplateFormat } from '../../../model/states.ts';
import { startImageServer } from '../../support/image-server.ts';
import type { ImageServer } from '../../support/image-server.ts';
import { isoImage, noise, paddedQcow2, qcow2Image, rawDisk } from '../../support/images.ts';
import { onLoopback } from '../../support/loopback.ts';
import { packed, pipedThrough } from '../../support/packed.ts';
import { zipOf } from '../../support/zip.ts';

const MIB = 1_048_576;
let server: ImageServer;
beforeEach(async () => {
  server = await startImageServer();
});
afterEach(() => server.close());

async function look(body: Buffer, format: TemplateFormat, unpack: UnpackSettings = {}): Promise<UrlReport> {
  server.serve('/x', { body });
  const request = { url: server.url('/x'), format, budgetMs: 20_000 };
  const { urls } = await probe(request, { sources: createSources(onLoopback), unpack });
  return urls[0] as UrlReport;
}

const verdictOf = (url: UrlReport) =>
  judgeRegistration({ demandAllMirrors: false }, { v: 1, hostId: 'h', urls: [url] });

describe.each(compressions)('%s', (compression) => {
  test('a qcow2 image tells its disk', async () => {
    const body = await packed(compression, paddedQcow2(4 * MIB));
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

  test('a disk tells no length for certain, but its partitions do for planning', async () => {
    const body = await packed(compression, rawDisk(4 * MIB));
    const seen = await look(body, 'RAW');
    expect(seen).toMatchObject({ reachable: true, compression, virtualSize: 0 });
    expect(seen.unpackedSize).toBe(4 * MIB);
    expect(verdictOf(seen)).toMatchObject({ accepted: true, virtualSize: 0, unpackedSize: 4 * MIB });
  });

  test('an ISO image as well', async () => {
    const iso = Buffer.concat([isoImage(128 * 2048), noise(MIB)]);
    iso.writeUInt32LE(iso.length / 2048, 0x8000 + 80);
    const seen = await look(await packed(compression, iso), 'ISO');
    expect(seen).toMatchObject({ reachable: true, virtualSize: 0, unpackedSize: iso.length });
  });

  test('what is short enough is known as a whole', async () => {
    const seen = await look(await packed(compression, isoImage(20 * 2048)), 'ISO');
    expect(seen).toMatchObject({ reachable: true, virtualSize: 40_960, unpackedSize: 40_960 });
  });

  test('another format than declared is refused', async () => {
    const seen = await look(await packed(compression, paddedQcow2(4 * MIB)), 'RAW');
    expect(seen).toMatchObject({
      reachable: false,
      reason: `unpacked from ${compression}, the file is a qcow2 disk; it was declared as RAW`,
    });
    expect(verdictOf(seen)).toMatchObject({ accepted: false });
  });

  test('an image that needs another file is refused', async () => {
    const body = await packed(compression, qcow2Image({ backingOffset: 512n, backingSize: 11 }));
    expect(await look(body, 'QCOW2')).toMatchObject({ reachable: false });
  });
});

test('a bzip2 block that is longer than what is usually looked at', async () => {
  const body = await pipedThrough('bzip2', ['-9c'], paddedQcow2(3 * MIB));
  expect(await look(body, 'QCOW2')).toMatchObject({ format: 'qcow2', virtualSize: MIB });
  expect(server.seen('/x').requests).toHaveLength(2);
});

test.each(['xz', 'bzip2', 'zstd'] as const)(
  '%s is missing on the host: told with its name',
  async (program) => {
    const seen = await look(await packed(program, paddedQcow2(2 * MIB)), 'QCOW2', { path: '/nonexistent' });
    expect(seen).toMatchObject({
      reachable: false,
      reason: `the program ${program}, which unpacks the file, is not installed`,
    });
  },
);

test('a zip archive of a link, or without a file, is refused where that shows at its beginning', async () => {
  expect(await look(zipOf([]), 'RAW')).toMatchObject({ reachable: false });
  const encrypted = zipOf([{ name: 'a', bytes: rawDisk(MIB), flags: 1 }]);
  expect(await look(encrypted, 'RAW')).toMatchObject({
    reachable: false,
    reason: expect.stringContaining('encrypted') as string,
  });
});

test('a dictionary that is too large is refused', async () => {
  const body = await pipedThrough('zstd', ['-cq', '-1', '--long=31', '--ultra'], paddedQcow2(2 * MIB));
  expect(await look(body, 'QCOW2')).toMatchObject({
    reachable: false,
    reason: expect.stringContaining('2048 MiB of memory') as string,
  });
});
