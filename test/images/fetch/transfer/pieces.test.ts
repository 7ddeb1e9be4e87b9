/** Downloads of a metalink that has hashes of pieces. */
import { createHash, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { download } from '../../../../images/attempt/download.ts';
import type { DownloadedImage, DownloadRequest } from '../../../../images/attempt/download.ts';
import type { DownloadFailed } from '../../../../images/attempt/download-failed.ts';
import { mirror, openDownloadLab } from '../../../labs/download.ts';
import type { DownloadLab } from '../../../labs/download.ts';
import { rawDisk, sha256 } from '../../../support/images.ts';
import { metalink4 } from '../../../support/metalinks.ts';
import { isFullRun } from '../../../support/programs.ts';

const MIB = 1_048_576;
const SIZE = 12 * MIB + 512;
const PIECE = MIB;
const body = rawDisk(SIZE);
const checksum = `{SHA-256}${sha256(body)}`;
const limited = { pauseMs: 20, pieceBytes: 65_536 };
const paths = ['/a.img', '/b.img', '/c.img'] as const;

const hashesOf = (bytes: Buffer): readonly string[] =>
  Array.from({ length: Math.ceil(bytes.length / PIECE) }, (_, at) =>
    createHash('sha1')
      .update(bytes.subarray(at * PIECE, (at + 1) * PIECE))
      .digest('hex'),
  );

/** With one byte of a piece (from 1) changed. */
function lying(piece: number): Buffer {
  const lie = Buffer.from(body);
  const at = (piece - 1) * PIECE + 77;
  lie[at] = (lie[at] ?? 0) ^ 1;
  return lie;
}

let lab: DownloadLab;
let copyId: string;

beforeEach(async () => {
  lab = await openDownloadLab();
  copyId = randomUUID();
  describeFile();
});
afterEach(() => lab.close());

const describeFile = (
  facts: { readonly size?: number; readonly sha256?: string; readonly of?: Buffer } = {},
) =>
  lab.server.serve('/x.meta4', {
    body: metalink4(
      paths.map((path) => lab.server.url(path)),
      {
        size: SIZE,
        sha256: sha256(body),
        pieces: { length: PIECE, hashes: hashesOf(facts.of ?? body) },
        ...facts,
      },
    ),
  });

type Deps = Parameters<DownloadLab['deps']>[0];
const attempt = (changes: Partial<DownloadRequest> = {}, deps: Deps = {}): Promise<DownloadedImage> =>
  download(
    lab.request({
      url: lab.server.url('/x.meta4'),
      mirrors: paths.map((path, at) => mirror(lab.server.url(path), at + 1)),
      copyId,
      size: SIZE,
      checksum,
      ...changes,
    }),
    lab.deps({ checkpointBytes: MIB, ...deps }),
  );
const failureOf = async (promise: Promise<unknown>): Promise<DownloadFailed> => {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return error as DownloadFailed;
};
const isRight = async ({ localPath }: DownloadedImage): Promise<boolean> =>
  (await readFile(localPath)).equals(body);
const bytesSent = (): number => paths.reduce((sum, path) => sum + lab.server.seen(path).bytes, 0);

test('tags that take turns among servers of one name hinder nothing, since each piece is checked', async () => {
  lab.server.serve('/a.img', (n) => ({ body, etag: `"${n}"`, ...(n < 3 ? { cutAfter: 3 * MIB } : {}) }));
  const image = await attempt({ mirrors: [mirror(lab.server.url('/a.img'))] });
  expect(await isRight(image)).toBe(true);
  expect(image.fetched).toBe(SIZE);
  expect(image.tries.map(({ note }) => note).filter((note) => note !== undefined)).toEqual([]);
});

test('one lying mirror among three: only the wrong piece is fetched again, and the liar is named', async () => {
  lab.server.serve('/a.img', { ...limited, body: lying(1) });
  lab.server.serve('/b.img', { ...limited, body });
  lab.server.serve('/c.img', { ...limited, body, etag: '"c"' });
  const image = await attempt();
  expect(await isRight(image)).toBe(true);
  expect(bytesSent()).toBeLessThanOrEqual(SIZE + 5 * PIECE);
  const failed = image.tries.find(({ failure }) => failure !== undefined);
  expect(failed).toMatchObject({
    source: lab.server.url('/a.img'),
    failure: {
      kind: 'ChecksumMismatch',
      message: `sent piece 1 of 13 (bytes 0 to ${PIECE - 1}) wrong`,
    },
  });
});

if (isFullRun)
  test('over one connection too: the next mirror goes on, and the rest is kept', async () => {
    lab.server.serve('/a.img', { ...limited, body: lying(4) });
    lab.server.serve('/b.img', { body });
    lab.server.serve('/c.img', { body });
    const image = await attempt({}, { connections: 1 });
    expect(await isRight(image)).toBe(true);
    expect(bytesSent()).toBeLessThanOrEqual(SIZE + 5 * PIECE);
  });

if (isFullRun)
  test('the last piece, after everything else is here', async () => {
    lab.server.serve('/a.img', { body: lying(13) });
    lab.server.serve('/b.img', { body });
    lab.server.serve('/c.img', { status: 404 });
    const image = await attempt();
    expect(await isRight(image)).toBe(true);
    expect(lab.server.seen('/b.img').bytes).toBeLessThanOrEqual(2 * PIECE);
  });

if (isFullRun)
  test('every mirror lies in another piece: what each has right is used', async () => {
    for (const [at, path] of paths.entries()) {
      lab.server.serve(path, { ...limited, body: lying(2 + 3 * at), etag: `"${at}"` });
    }
    expect(await isRight(await attempt())).toBe(true);
  });

test('nobody else has it: the piece and the mirror are named, and what is right stays', async () => {
  lab.server.serve('/a.img', { body: lying(4) });
  const only = { mirrors: [mirror(lab.server.url('/a.img'))] };
  const failure = await failureOf(attempt(only));
  expect(failure).toMatchObject({
    kind: 'ChecksumMismatch',
    url: lab.server.url('/a.img'),
    message: `sent piece 4 of 13 (bytes ${3 * PIECE} to ${4 * PIECE - 1}) wrong`,
  });
  expect(await lab.published()).toEqual([]);
  lab.server.serve('/a.img', { body });
  const image = await attempt(only);
  expect(await isRight(image)).toBe(true);
  expect(image.fetched).toBeLessThan(SIZE);
});

test('a whole that is wrong though all pieces are right', async () => {
  const other = lying(4);
  describeFile({ of: other });
  for (const path of paths) lab.server.serve(path, { body: other });
  expect(await failureOf(attempt())).toMatchObject({ kind: 'ChecksumMismatch' });
  expect(await lab.published()).toEqual([]);
  expect(bytesSent()).toBeLessThanOrEqual(SIZE + PIECE);
});

test('on resume, pieces that are here and right are not fetched again, and damaged ones are', async () => {
  lab.server.serve('/a.img', { ...limited, body, etag: null });
  const aborter = new AbortController();
  const onProgress = (p: { readonly bytes: number; readonly phase: string }): void => {
    if (p.phase === 'downloading' && p.bytes >= SIZE / 2) aborter.abort(new Error('stopped'));
  };
  const only = { mirrors: [mirror(lab.server.url('/a.img')), mirror(lab.server.url('/b.img'), 2)] };
  await expect(attempt({ ...only, signal: aborter.signal, onProgress })).rejects.toThrow('stopped');
  lab.server.serve('/b.img', { body });
  const image = await attempt(only);
  expect(await isRight(image)).toBe(true);
  expect(image.fetched).toBeLessThanOrEqual(SIZE / 2 + 2 * PIECE);
});

const withNote = async (): Promise<string | undefined> => {
  for (const path of paths) lab.server.serve(path, { body });
  const image = await attempt();
  expect(await isRight(image)).toBe(true);
  return image.tries[0]?.note;
};

describe('a metalink that is of no use any more', () => {
  test('gone: the mirrors are known, so that the download goes on without pieces', async () => {
    lab.server.serve('/x.meta4', { status: 404 });
    expect(await withNote()).toBe(
      'the metalink could not be read again, so that its pieces are not used: answers 404 Not Found',
    );
  });

  test('another size, or another hash of the whole', async () => {
    describeFile({ size: SIZE + 1 - PIECE });
    expect(await withNote()).toMatch(/^the hashes of its pieces cannot be used: there are 13, /);
    describeFile({ sha256: 'a'.repeat(64) });
    copyId = randomUUID();
    expect(await withNote()).toBe(
      'the pieces of the metalink are not used: it gives another SHA-256 of the file than was registered',
    );
  });

  if (isFullRun)
    test('fewer than the file has: none are used, and the timeline says so', async () => {
      describeFile({ of: body.subarray(0, 3 * PIECE) });
      lab.server.serve('/a.img', { body });
      const image = await attempt({ mirrors: [mirror(lab.server.url('/a.img'))] });
      expect(image.tries[0]?.note).toBe(
        'the hashes of its pieces cannot be used: there are 3, and the file has 13 pieces of 1048576 bytes',
      );
    });

  if (isFullRun)
    test('another algorithm than was registered', async () => {
      for (const path of paths) lab.server.serve(path, { body });
      const md5 = createHash('md5').update(body).digest('hex');
      const image = await attempt({ checksum: md5 });
      expect(image.tries[0]?.note).toBe(
        'the pieces of the metalink are not used: it gives no MD5 of the file, as was registered',
      );
    });
});
