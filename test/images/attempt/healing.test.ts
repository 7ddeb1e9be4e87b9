/** Damaged copies are healed piece by piece. Origins, hosts and files are real. */
import { randomUUID } from 'node:crypto';
import { open, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { download } from '../../../images/attempt/download.ts';
import type { DownloadedImage, DownloadRequest } from '../../../images/attempt/download.ts';
import { PARTS_FOLDER } from '../../../images/pools/files/part-file.ts';
import type { Healing } from '../../../model/image-pieces.ts';
import { openDownloadLab } from '../../labs/download.ts';
import type { DownloadLab } from '../../labs/download.ts';
import { openPeerLab } from '../../labs/peers.ts';
import { deferred } from '../../support/deferred.ts';
import type { Behaviour } from '../../support/image-server.ts';
import { rawDisk, sha256 } from '../../support/images.ts';
import { rotAt } from '../../support/rot.ts';
import { until } from '../../support/until.ts';

const MIB = 1_048_576;
const SIZE = 12 * MIB + 5000;
/** It has zeros from 4 to 8 MiB, which a file needs no blocks for. */
const body = rawDisk(SIZE).fill(0, 4 * MIB, 8 * MIB);

const healingOf = (image: Buffer, changes: Partial<Healing> = {}): Healing => {
  const pieces = Array.from({ length: Math.ceil(image.length / MIB) }, (_, at) =>
    sha256(image.subarray(at * MIB, (at + 1) * MIB)),
  );
  return {
    sha256: sha256(image),
    pieces: { size: image.length, length: MIB, hashes: pieces.join('') },
    ...changes,
  };
};

const healing = healingOf(body);

/** What shows that nobody wrote into a file. */
const stateOf = async (file: FileHandle) => {
  const { ino, mtimeNs } = await file.stat({ bigint: true });
  const { size } = await file.stat();
  return { ino, mtimeNs, sha256: sha256((await file.read(Buffer.alloc(size), 0, size, 0)).buffer) };
};

describe('from the origin', () => {
  let lab: DownloadLab;
  let copyId: string;
  let templateId: string;
  let published: DownloadedImage;
  let damaged: FileHandle;
  let before: Awaited<ReturnType<typeof stateOf>>;

  beforeEach(async () => {
    lab = await openDownloadLab();
    [copyId, templateId] = [randomUUID(), randomUUID()];
    serve({ body });
    published = await attempt();
  });
  afterEach(async () => {
    await damaged.close();
    await lab.close();
  });

  const serve = (behaviour: Behaviour | ((n: number) => Behaviour)): void =>
    lab.server.serve('/a.img', behaviour);
  const sent = (): number => lab.server.seen('/a.img').bytes;
  const attempt = (changes: Partial<DownloadRequest> = {}): Promise<DownloadedImage> =>
    download(
      lab.request({ url: lab.server.url('/a.img'), copyId, templateId, ...changes }),
      // One piece comes after the other.
      lab.deps({ checkpointBytes: MIB, connections: 1 }),
    );
  const rot = async (...positions: readonly number[]): Promise<void> => {
    await rotAt(published.localPath, ...positions);
    damaged = await open(published.localPath);
    before = await stateOf(damaged);
  };
  const expectRight = async ({ localPath }: DownloadedImage): Promise<void> => {
    expect((await readFile(localPath)).equals(body)).toBe(true);
    expect((await stat(localPath, { bigint: true })).ino).not.toBe(before.ino);
    // Nobody wrote into the damaged file.
    expect(await stateOf(damaged)).toEqual(before);
    expect(await lab.parts()).toEqual([]);
  };

  test('only the damaged pieces are fetched, and the damaged file goes where nothing stands on it', async () => {
    await rot(100, 9 * MIB + 7);
    const sentBefore = sent();
    const image = await attempt({ healing: { ...healing, unused: true } });
    await expectRight(image);
    expect(sent() - sentBefore).toBe(2 * MIB);
    expect(image).toMatchObject({
      sha256: sha256(body),
      fetched: 2 * MIB,
      pieces: 'right',
      lineage: published.lineage,
      tries: [{ note: 'pieces that were on the pool before are wrong' }],
    });
    expect(await lab.published()).toEqual([copyId]);
    expect((await damaged.stat()).nlink).toBe(0);
    // Zeros take no blocks.
    expect(image.physicalSize).toBeLessThan(SIZE - 3 * MIB);
  });

  test('a damaged file that machines stand on is moved aside', async () => {
    await rot(100);
    const image = await attempt({ healing });
    await expectRight(image);
    const [aside = ''] = (await readdir(lab.pool.config.path)).filter((name) => name.includes('.set-aside.'));
    expect((await stat(join(lab.pool.config.path, aside), { bigint: true })).ino).toBe(before.ino);
    expect(image.tries.at(-1)?.foreign).toHaveLength(1);
  });

  test('damage in zeros, in the last piece and of the length is healed, too', async () => {
    await truncate(published.localPath, 12 * MIB + 10);
    await rot(5 * MIB + 1, 6 * MIB);
    const image = await attempt({ healing });
    await expectRight(image);
    // Ten bytes of the last piece are there.
    expect(image.fetched).toBe(2 * MIB + 4990);
  });

  test('an origin without entity tags gives pieces as well', async () => {
    await rot(100, 3 * MIB, 9 * MIB);
    serve({ body, etag: null });
    const image = await attempt({ healing });
    await expectRight(image);
    expect(image.fetched).toBe(3 * MIB);
  });

  test('an origin that gives no ranges gives the whole', async () => {
    await rot(100, 9 * MIB);
    serve({ body, ranges: false });
    const image = await attempt({ healing });
    await expectRight(image);
    expect(image.fetched).toBeGreaterThanOrEqual(SIZE);
  });

  test('after wrong pieces the whole is fetched: hashes may be wrong, and the origin may have another image now', async () => {
    await rot(100);
    const other = healingOf(rawDisk(SIZE, 2));
    const image = await attempt({ healing: { ...other, sha256: sha256(body) } });
    await expectRight(image);
    expect(image.tries.map(({ failure }) => failure?.kind)).toEqual(['ChecksumMismatch', undefined]);
    expect(image.tries.at(-1)?.note).toMatch(/could not be healed piece by piece: sent piece/);
    expect(image.pieces).toBe('wrong');
  });

  test('pieces that are all right and make another image are thrown away, and the whole is fetched', async () => {
    await rot(100);
    const damagedNow = await readFile(published.localPath);
    const image = await attempt({ healing: { ...healing, pieces: healingOf(damagedNow).pieces } });
    await expectRight(image);
    expect(image.fetched).toBe(SIZE);
    expect(image.pieces).toBe('wrong');
  });

  test('an origin that sent wrong bytes once says nothing of the hashes', async () => {
    await rot(100);
    const count = lab.server.seen('/a.img').requests.length;
    serve((n) => ({ body: n === count ? rawDisk(SIZE, 2) : body }));
    const image = await attempt({ healing });
    await expectRight(image);
    expect(image.tries.at(-1)?.note).toMatch(/could not be healed piece by piece/);
    expect(image).not.toHaveProperty('pieces');
  });

  test('an image that must be the published one is taken from no origin that has another', async () => {
    await rot(100);
    serve({ body: rawDisk(SIZE, 2), etag: '"2"' });
    const checksum = `{SHA-256}${sha256(body)}`;
    await expect(attempt({ healing, checksum })).rejects.toMatchObject({ kind: 'ChecksumMismatch' });
    const file = await open(published.localPath);
    expect(await stateOf(file)).toEqual(before);
    await file.close();
  });

  const partsFolder = (): string => join(lab.pool.config.path, PARTS_FOLDER);
  const partsNow = async (): Promise<readonly (readonly [string, Buffer])[]> => {
    // Drafts of records come and go; a record itself is replaced in one step.
    const names = (await readdir(partsFolder())).filter((name) => !name.endsWith('.new'));
    return Promise.all(names.map(async (name) => [name, await readFile(join(partsFolder(), name))] as const));
  };

  /**
   * An attempt that ends when the first of three damaged pieces has come.
   * @param how `killed`: what it does at its end is undone, as if it had been killed before
   */
  async function endedWithOnePiece(how: 'stopped' | 'killed'): Promise<void> {
    await rot(100, 5 * MIB, 9 * MIB);
    const stop = new AbortController();
    const never = deferred();
    const count = lab.server.seen('/a.img').requests.length;
    serve((n) => (n === count ? { body } : { body, hold: () => never.promise }));
    const stopped = attempt({ healing, signal: stop.signal });
    stopped.catch(() => undefined);
    await until(
      'the second piece is asked for',
      async () => lab.server.seen('/a.img').requests.length > count + 1,
    );
    const left = await partsNow();
    stop.abort(new Error('stopped'));
    await expect(stopped).rejects.toThrow('stopped');
    // The same inodes: a part file of another one is not taken over.
    if (how === 'killed')
      for (const [name, content] of left) await writeFile(join(partsFolder(), name), content);
    serve({ body });
  }

  test('an attempt that was stopped is continued: what came is not fetched again', async () => {
    await endedWithOnePiece('stopped');
    const image = await attempt({ healing });
    await expectRight(image);
    // Of the second piece, some bytes may have come as well.
    expect(image.fetched).toBeGreaterThan(MIB);
    expect(image.fetched).toBeLessThanOrEqual(2 * MIB);
  });

  test('after a host was killed only damaged pieces are fetched', async () => {
    await endedWithOnePiece('killed');
    const image = await attempt({ healing });
    await expectRight(image);
    expect(image.fetched).toBeGreaterThan(MIB);
    expect(image.fetched).toBeLessThanOrEqual(3 * MIB);
  });

  test.each(['stopped', 'killed'] as const)(
    'damaged bytes that an attempt left that was %s are never published, although a later one knows no hashes',
    async (how) => {
      await endedWithOnePiece(how);
      await expectRight(await attempt());
    },
  );
});

describe('from another host', () => {
  const packed = gzipSync(body);

  test('a host gives pieces of an image whose source is packed; the origin would give the whole', async () => {
    const lab = await openPeerLab();
    try {
      lab.origin.serve('/a.img', { body: packed });
      const [parent, child] = [await lab.addHost(), await lab.addHost()];
      const templateId = randomUUID();
      await parent.attempt({ templateId });
      const first = await child.attempt({ templateId });
      await rotAt(first.localPath, 100, 9 * MIB);
      const job = { templateId, size: packed.length, healing: { ...healing, packed: true, unused: true } };
      const peer = await lab.from(parent, child, { unpacked: true, sha256: sha256(body) });
      const image = await child.attempt({ ...job, peer });
      expect((await readFile(image.localPath)).equals(body)).toBe(true);
      expect(image).toMatchObject({ fetched: 2 * MIB, fromPeers: 2 * MIB, lineage: first.lineage });
      expect(await child.lab.published()).toEqual([child.copyId]);

      await rotAt(image.localPath, 100);
      const whole = await child.attempt(job);
      expect((await readFile(whole.localPath)).equals(body)).toBe(true);
      expect(whole.fetched).toBe(packed.length);
      expect(await child.lab.published()).toEqual([child.copyId]);
    } finally {
      await lab.close();
    }
  });

  test.each([
    ['is wrong where the hashes are proven', { proven: true }, 'PeerWrong'],
    ['is left for another source where the hashes may be wrong', {}, 'PeerUnreachable'],
  ])('a host whose copy has rotted too gives no wrong piece: it %s', async (_, proof, kind) => {
    const lab = await openPeerLab();
    try {
      lab.origin.serve('/a.img', { body });
      const [parent, child] = [await lab.addHost(), await lab.addHost()];
      const [theirs, first] = [await parent.attempt(), await child.attempt()];
      await rotAt(theirs.localPath, 200);
      await rotAt(first.localPath, 100, 9 * MIB);
      const peer = await lab.from(parent, child, { sha256: sha256(body) });
      await expect(child.attempt({ healing: { ...healing, ...proof }, peer })).rejects.toMatchObject({
        kind,
      });
      const image = await child.attempt({ healing });
      expect((await readFile(image.localPath)).equals(body)).toBe(true);
      expect(image.fetched).toBeLessThanOrEqual(2 * MIB);
    } finally {
      await lab.close();
    }
  });
});
