import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspectFile, inspectHead } from '../../../images/inspect/inspect.ts';
import type { ImageFacts } from '../../../model/source.ts';
import type { TemplateFormat } from '../../../model/states.ts';
import { isoImage, noise, qcow2Header, qcow2Image, rawDisk } from '../../support/images.ts';

const inspect = (image: Buffer, declared: TemplateFormat): ImageFacts =>
  inspectHead(image.subarray(0, 65_536), image.length, declared);

const refusal = (kind: string, sentence: string): Error =>
  expect.objectContaining({ kind, message: expect.stringContaining(sentence) as string }) as Error;

describe('a file that is what it was declared to be', () => {
  test.each([
    ['QCOW2', qcow2Image({ virtualSize: 536_870_912n }), 536_870_912],
    ['RAW', rawDisk(8192), 8192],
    ['RAW', Buffer.concat([rawDisk(306_432), noise(89)]), 306_688],
    ['ISO', isoImage(), 262_144],
    ['ISO', isoImage(262_144, true), 262_144],
  ] as const)('%s', (declared, image, virtualSize) => {
    expect(inspect(image, declared)).toMatchObject({ format: declared, virtualSize });
  });
});

describe('a file that is something else', () => {
  test.each([
    ['RAW', qcow2Image(), 'the file is a qcow2 disk; it was declared as RAW'],
    ['ISO', qcow2Image(), 'the file is a qcow2 disk; it was declared as ISO'],
    ['QCOW2', rawDisk(8192), 'the file is a raw disk with an MBR; it was declared as QCOW2'],
    ['QCOW2', isoImage(), 'the file is an ISO 9660 image; it was declared as QCOW2'],
    ['RAW', isoImage(), 'the file is an ISO 9660 image; it was declared as RAW'],
    ['ISO', rawDisk(8192), 'it was declared as ISO'],
    ['RAW', Buffer.from('KDMV'.padEnd(4096)), 'the file is a VMDK disk'],
    ['QCOW2', Buffer.alloc(0), 'the file is an empty file'],
    ['RAW', Buffer.alloc(0), 'the file is an empty file'],
    ['RAW', Buffer.from('\x1f\x8b\x08'.padEnd(4096), 'latin1'), 'a gzip file'],
    ['QCOW2', Buffer.from('<!doctype html><title>Please log in</title>'), 'an HTML page'],
    ['RAW', noise(100), 'too short for a disk (100 bytes)'],
  ] as const)('%s: %#', (declared, image, sentence) => {
    expect(() => inspect(image, declared)).toThrow(refusal('FormatMismatch', sentence));
  });
});

describe('a hostile file is refused', () => {
  test('for a reference to another file', () => {
    const image = qcow2Image({ backingOffset: 1024n, backingSize: 8 });
    expect(() => inspect(image, 'QCOW2')).toThrow(refusal('HostileImage', 'has a backing file'));
  });

  test.each(['QCOW2', 'ISO', 'RAW'] as const)('for being two formats at once, declared as %s', (declared) => {
    const image = isoImage();
    qcow2Header().copy(image);
    expect(() => inspect(image, declared)).toThrow(
      refusal('HostileImage', 'a qcow2 disk and an ISO 9660 image at once'),
    );
  });
});

describe('a complete file', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'bypass-inspect-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  async function inspectWhole(image: Buffer, declared: TemplateFormat): Promise<ImageFacts> {
    const path = join(folder, 'image');
    await writeFile(path, image);
    const file = await open(path);
    try {
      return await inspectFile(file, declared);
    } finally {
      await file.close();
    }
  }

  test('is measured by its own descriptor', async () => {
    expect(await inspectWhole(rawDisk(70_000 * 512), 'RAW')).toMatchObject({
      format: 'RAW',
      virtualSize: 70_000 * 512,
    });
    expect(await inspectWhole(qcow2Image(), 'QCOW2')).toMatchObject({
      format: 'QCOW2',
      virtualSize: 1_048_576,
    });
  });

  test.each([
    ['conectix', 'a VHD disk'],
    ['koly\0\0\0\x04', 'a DMG image'],
  ])('that says %p at its end only is no raw disk', async (footer, name) => {
    const image = rawDisk(8192);
    image.fill(0, 8192 - 512);
    image.write(footer, 8192 - 512, 'latin1');
    await expect(inspectWhole(image, 'RAW')).rejects.toThrow(`the file is ${name}; it was declared as RAW`);
  });

  test('that is cut short within its tables is refused', async () => {
    await expect(inspectWhole(qcow2Image().subarray(0, 0x20000), 'QCOW2')).rejects.toThrow('cut short');
  });
});
