/** Zeros of an image take no room on the pool, by whichever way they came there. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { download } from '../../images/attempt/download.ts';
import type { DownloadedImage, DownloadRequest } from '../../images/attempt/download.ts';
import { stretchesOf } from '../../images/holes.ts';
import { inodeOf, PartFile } from '../../images/pools/files/part-file.ts';
import { openDownloadLab } from '../labs/download.ts';
import type { DownloadLab } from '../labs/download.ts';
import type { Behaviour } from '../support/image-server.ts';
import { noise, rawDisk, sha256 } from '../support/images.ts';

const MIB = 1_048_576;
const SIZE = 24 * MIB;
/** Islands that begin and end anywhere, and zeros at the end. */
const body = Buffer.alloc(SIZE);
rawDisk(SIZE).copy(body, 0, 0, MIB + 77);
noise(MIB, 2).copy(body, 11 * MIB + 4321);
noise(100, 3).copy(body, 18 * MIB + 5);
/** The islands, and what of a piece lies beside their ends. */
const MOST_ON_DISK = 2 * MIB + 512 * 1024;

let lab: DownloadLab;
let copyId: string;
beforeEach(async () => {
  lab = await openDownloadLab();
  copyId = randomUUID();
});
afterEach(() => lab.close());

type Deps = Parameters<DownloadLab['deps']>[0];
const run = (changes: Partial<DownloadRequest> = {}, deps: Deps = {}): Promise<DownloadedImage> =>
  download(
    lab.request({ url: lab.server.url('/a.img'), copyId, size: SIZE, ...changes }),
    lab.deps({ checkpointBytes: MIB, ...deps }),
  );

async function stoppedAt(bytes: number, behaviour: Behaviour, deps: Deps = {}): Promise<void> {
  const aborter = new AbortController();
  lab.server.serve('/a.img', behaviour);
  const onProgress: DownloadRequest['onProgress'] = (progress) => {
    if (progress.bytes >= bytes) aborter.abort(new Error('stopped'));
  };
  await expect(run({ signal: aborter.signal, onProgress }, deps)).rejects.toThrow('stopped');
  lab.server.serve('/a.img', { body });
}

async function expectSparse(image: DownloadedImage): Promise<void> {
  expect((await readFile(image.localPath)).equals(body)).toBe(true);
  expect(image).toMatchObject({ size: SIZE, sha256: sha256(body) });
  expect(image.physicalSize).toBeLessThanOrEqual(MOST_ON_DISK);
  expect((await stat(image.localPath)).blocks * 512).toBe(image.physicalSize);
}

test('a direct download leaves holes for zeros', async () => {
  lab.server.serve('/a.img', { body });
  await expectSparse(await run());
});

test('a source without a length still leaves holes for zeros', async () => {
  lab.server.serve('/a.img', { body, chunked: true });
  await expectSparse(await run({ size: 0, checksum: `{SHA-256}${sha256(body)}` }));
});

test('several connections leave holes for zeros', async () => {
  lab.server.serve('/a.img', { body, pauseMs: 20, pieceBytes: 65_536 });
  await expectSparse(await run({}, { connections: 4 }));
  expect(lab.server.seen('/a.img').requests.length).toBeGreaterThan(1);
});

test.each([
  ['in place', 'host-1'],
  ['by a copy', 'host-2'],
])('after an interruption, %s', async (_way, hostId) => {
  await stoppedAt(14 * MIB, { body, stallAfter: 14 * MIB });
  const image = await run({}, { hostId });
  expect(image.fetched).toBeLessThanOrEqual(10 * MIB);
  await expectSparse(image);
});

test('a download resumed from several spans leaves holes for zeros', async () => {
  await stoppedAt(SIZE / 2, { body, pauseMs: 20, pieceBytes: 131_072 }, { connections: 4 });
  await expectSparse(await run());
});

describe('a part file', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'bypass-holes-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  test('has zeros where the image has zeros, also where a dead attempt wrote other bytes', async () => {
    const path = join(folder, 'a.part');
    const dead = await PartFile.create(path);
    await dead.write([noise(4 * MIB)], 0);
    const checkpoint = {
      v: 1,
      hostId: 'h',
      url: 'u',
      finalUrl: 'u',
      total: 8 * MIB,
      offset: MIB,
      beyond: [[3 * MIB, 4 * MIB]],
    } as const;
    await dead.record(checkpoint);
    const inode = await inodeOf(dead.file);
    await dead.close();
    const part = await PartFile.takeOver({ path, checkpoint }, inode);
    if (part === undefined) throw new Error('it was not taken over');
    part.total = 8 * MIB;
    await part.write([Buffer.alloc(2 * MIB)], MIB);
    await part.write([Buffer.alloc(4 * MIB)], 4 * MIB);
    await part.close();
    const wanted = Buffer.alloc(8 * MIB);
    noise(4 * MIB).copy(wanted, 0, 0, MIB);
    noise(4 * MIB).copy(wanted, 3 * MIB, 3 * MIB);
    expect((await readFile(path)).equals(wanted)).toBe(true);
  });

  test('is not truncated by zeros while other connections write further on', async () => {
    const part = await PartFile.create(join(folder, 'a.part'));
    part.total = 8 * MIB;
    const data = noise(MIB);
    await Promise.all([
      part.write([data], 6 * MIB),
      part.write([Buffer.alloc(MIB)], 0),
      part.write([data], 3 * MIB),
      part.write([Buffer.alloc(MIB)], 7 * MIB),
    ]);
    await part.close();
    const wanted = Buffer.alloc(8 * MIB);
    for (const at of [3 * MIB, 6 * MIB]) data.copy(wanted, at);
    expect((await readFile(part.path)).equals(wanted)).toBe(true);
  });
});

test('stretches of zeros are found independently of chunk limits', () => {
  const bytes = Buffer.alloc(200_000);
  bytes.fill(1, 0, 20_000);
  bytes.fill(1, 120_000, 120_001);
  for (const position of [0, 5, 16_384, 1_000_001]) {
    for (const size of [1000, 16_384, 65_536, 200_000]) {
      const chunks: Buffer[] = [];
      for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
      const stretches = stretchesOf(chunks, position);
      const joined = stretches.flatMap((one) => one.chunks);
      expect(Buffer.concat(joined).equals(bytes)).toBe(true);
      for (const { zeros, chunks: found } of stretches) {
        expect(zeros && found.some((chunk) => chunk.some((byte) => byte !== 0))).toBe(false);
      }
      const kept = stretches.filter(({ zeros }) => !zeros);
      expect(kept).toHaveLength(2);
      expect(kept.reduce((sum, { first, end }) => sum + end - first, 0)).toBeLessThan(4 * 16_384);
      expect(stretches[0]?.first).toBe(position);
      expect(stretches.at(-1)?.end).toBe(position + bytes.length);
    }
  }
});
