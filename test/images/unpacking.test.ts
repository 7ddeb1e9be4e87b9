/** Packed images: what is published is the image that was in them, right to the byte, or nothing. */
import { randomUUID } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { download } from '../../images/download.ts';
import type { DownloadedImage, DownloadRequest } from '../../images/download.ts';
import { compressions } from '../../model/source.ts';
import type { Compression } from '../../model/source.ts';
import { openDownloadLab } from '../support/download-lab.ts';
import type { DownloadLab } from '../support/download-lab.ts';
import { isoImage, noise, paddedQcow2, rawDisk, sha256 } from '../support/images.ts';
import { packed, pipedThrough, zipOf } from '../support/packed.ts';

const MIB = 1_048_576;
let lab: DownloadLab;
beforeEach(async () => {
  lab = await openDownloadLab();
});
afterEach(() => lab.close());

type Deps = Parameters<DownloadLab['deps']>[0];
const bring = (
  body: Buffer,
  changes: Partial<DownloadRequest> = {},
  deps: Deps = {},
): Promise<DownloadedImage> => {
  lab.server.serve('/file', { body });
  return download(
    lab.request({ url: lab.server.url('/file'), copyId: randomUUID(), ...changes }),
    lab.deps({ checkpointBytes: MIB, ...deps }),
  );
};

/** Nothing published, and no unpacked file left. */
async function expectNothing(): Promise<void> {
  expect(await lab.published()).toEqual([]);
  expect((await lab.parts()).filter((name) => name.endsWith('.inflated'))).toEqual([]);
}

async function expectImage(image: DownloadedImage, bytes: Buffer): Promise<void> {
  expect((await readFile(image.localPath)).equals(bytes)).toBe(true);
  expect(image).toMatchObject({ size: bytes.length, sha256: sha256(bytes) });
  expect(await lab.parts()).toEqual([]);
}

const disk = rawDisk(3 * MIB + 512);

describe.each(compressions)('%s', (compression) => {
  test('the image is published, right to the byte', async () => {
    const body = await packed(compression, disk);
    const image = await bring(body);
    await expectImage(image, disk);
    expect(image).toMatchObject({ virtualSize: disk.length, transferred: body.length, fetched: body.length });
  });

  test('a qcow2 image', async () => {
    const bytes = paddedQcow2(2 * MIB);
    await expectImage(await bring(await packed(compression, bytes), { format: 'QCOW2' }), bytes);
  });

  test('an ISO image that is smaller than a head', async () => {
    const bytes = isoImage(20 * 2048);
    await expectImage(await bring(await packed(compression, bytes), { format: 'ISO' }), bytes);
  });

  test('cut short: refused', async () => {
    const body = await packed(compression, disk);
    await expect(bring(body.subarray(0, body.length - 7))).rejects.toMatchObject({ kind: 'DamagedArchive' });
    await expectNothing();
  });

  test('a bit that is wrong: refused', async () => {
    const body = Buffer.from(await packed(compression, disk));
    body.writeUInt8(body.readUInt8(body.length >> 1) ^ 4, body.length >> 1);
    await expect(bring(body)).rejects.toMatchObject({ class: 'content' });
    await expectNothing();
  });
});
