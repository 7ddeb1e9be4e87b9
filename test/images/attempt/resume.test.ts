import { execFileSync, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, open as openFile, readdir, readFile, rmdir, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { download } from '../../../images/attempt/download.ts';
import type { DownloadedImage, DownloadRequest } from '../../../images/attempt/download.ts';
import { findParts, PARTS_FOLDER } from '../../../images/pools/files/part-file.ts';
import { openPool } from '../../../images/pools/kinds.ts';
import { describeFailure } from '../../../model/failures.ts';
import type { ImageError } from '../../../model/failures.ts';
import type { Progress } from '../../../model/progress.ts';
import { deferred } from '../../support/deferred.ts';
import { mirror, openDownloadLab } from '../../labs/download.ts';
import type { DownloadLab } from '../../labs/download.ts';
import type { Behaviour } from '../../support/image-server.ts';
import { rawDisk, sha256 } from '../../support/images.ts';
import { casesOfForm, isFullRun } from '../../support/programs.ts';
import { until } from '../../support/until.ts';

const MIB = 1_048_576;
const SIZE = 8 * MIB;
const body = rawDisk(SIZE);
let lab: DownloadLab;
let copyId: string;

beforeEach(async () => {
  lab = await openDownloadLab();
  copyId = randomUUID();
});
afterEach(() => lab.close());

type Deps = Parameters<DownloadLab['deps']>[0];
const attempt = (changes: Partial<DownloadRequest> = {}, deps: Deps = {}): Promise<DownloadedImage> =>
  download(
    lab.request({ url: lab.server.url('/a.img'), copyId, ...changes }),
    lab.deps({ checkpointBytes: MIB, ...deps }),
  );

/** A first attempt that is stopped after `bytes`, as by a host that goes down in an orderly way. */
async function stoppedAfter(
  bytes: number,
  first: Behaviour,
  later: Behaviour,
  deps: Deps = {},
): Promise<void> {
  lab.server.serve('/a.img', (n) => (n === 0 ? { ...first, stallAfter: bytes } : later));
  const aborter = new AbortController();
  const onProgress = (p: { readonly bytes: number }): void => {
    if (p.bytes >= bytes) aborter.abort(new Error('stopped'));
  };
  await expect(attempt({ signal: aborter.signal, onProgress }, deps)).rejects.toThrow('stopped');
}

async function partOnDisk(): Promise<string> {
  const folder = join(lab.pool.config.path, PARTS_FOLDER);
  const [part] = (await readdir(folder)).filter((name) => name.endsWith('.part'));
  return join(folder, part ?? '');
}

const lastRequest = (): Record<string, unknown> => lab.server.seen('/a.img').requests.at(-1) ?? {};

describe('continuing an interrupted download', () => {
  test('a cut connection is resumed within the attempt, and no byte is fetched twice', async () => {
    lab.server.serve('/a.img', () => ({ body, cutAfter: 3 * MIB }));
    const image = await attempt();
    expect((await readFile(image.localPath)).equals(body)).toBe(true);
    expect(image.fetched).toBe(SIZE);
    expect(image.tries.map(({ failure }) => failure?.kind)).toEqual([
      'ConnectionLost',
      'ConnectionLost',
      undefined,
    ]);
  });

  if (isFullRun)
    test('a download that is always cut at the same byte fails with the reason', async () => {
      lab.server.serve('/a.img', { body, cutAfter: 3 * MIB, ranges: false });
      await expect(attempt()).rejects.toMatchObject({ kind: 'ConnectionLost' });
      expect(lab.server.seen('/a.img').requests).toHaveLength(2);
    });

  if (isFullRun)
    test('a failure promises that bytes are kept only where the source allows it: without ranges they are not', async () => {
      lab.server.serve('/a.img', { body, cutAfter: 3 * MIB, ranges: false });
      const error: unknown = await attempt().catch((thrown: unknown) => thrown);
      expect(describeFailure((error as ImageError).toFailure())).toMatch(
        /closed the connection in the middle of the file \(try again: .* are kept, where the source allows it\)$/,
      );
      lab.server.serve('/a.img', { body, ranges: false });
      expect(await attempt()).toMatchObject({ fetched: SIZE, sha256: sha256(body) });
    });

  test('a source with a strong ETag is asked for the rest alone, by Range and If-Range', async () => {
    await stoppedAfter(4 * MIB, { body }, { body });
    const seen: Progress[] = [];
    const image = await attempt({ onProgress: (p) => void seen.push(p) });
    expect(seen).toContainEqual(expect.objectContaining({ phase: 'reusing', bytes: 4 * MIB, fetched: 0 }));
    expect(seen.at(-1)).toMatchObject({ fetched: 4 * MIB });
    expect(lastRequest()).toMatchObject({ range: `bytes=${4 * MIB}-`, 'if-range': '"1"' });
    expect(image).toMatchObject({ fetched: 4 * MIB, sha256: sha256(body) });
    expect((await readFile(image.localPath)).equals(body)).toBe(true);
  });

  const withoutStrongTag = [
    ['a weak ETag', { body, etag: 'W/"1"' }],
    ['a date but no ETag', { body, etag: null, lastModified: 'Mon, 01 Jan 2024 00:00:00 GMT' }],
    ['neither ETag nor date', { body, etag: null }],
  ] as const;
  test.each(casesOfForm(withoutStrongTag))(
    'a source with %s is fetched again from byte 0',
    async (_name, behaviour) => {
      await stoppedAfter(4 * MIB, behaviour, behaviour);
      const image = await attempt();
      expect(lastRequest()).not.toHaveProperty('range');
      expect(image.fetched).toBe(SIZE);
      expect((await readFile(image.localPath)).equals(body)).toBe(true);
    },
  );

  const changed = rawDisk(SIZE, 2);
  const shorter = rawDisk(3 * MIB, 2);
  const restarts = [
    [
      'the source changed and the server ignores If-Range (206, other tag)',
      { body: changed, etag: '"2"', ignoreIfRange: true },
      changed,
      'the file at the source changed',
    ],
    [
      'the source became shorter (416)',
      { body: shorter, ignoreIfRange: true },
      shorter,
      'the file at the source became shorter',
    ],
    [
      'the source changed and says so (200)',
      { body: changed, etag: '"2"' },
      changed,
      'the file at the source changed',
    ],
    [
      'the source gives no ranges any more (200)',
      { body, ranges: false },
      body,
      'the source sent the whole file again',
    ],
  ] as const;
  test.each(casesOfForm(restarts, 2))(
    'the download restarts from byte 0 with a note when %s',
    async (_name, later, expected, note) => {
      await stoppedAfter(4 * MIB, { body }, later);
      const image = await attempt();
      expect((await readFile(image.localPath)).equals(expected)).toBe(true);
      expect(image.tries.at(-1)?.note).toBe(note);
    },
  );

  test('a 206 answer with the wrong range fails the try and keeps the bytes on disk', async () => {
    await stoppedAfter(4 * MIB, { body }, { body, contentRange: `bytes 0-${SIZE - 1}/${SIZE}` });
    await expect(attempt()).rejects.toMatchObject({ kind: 'ProtocolError' });
    lab.server.serve('/a.img', { body });
    expect((await attempt()).fetched).toBe(4 * MIB);
  });

  test('a complete part is verified and published without a request', async () => {
    lab.server.serve('/a.img', { body });
    const aborter = new AbortController();
    const onProgress = (p: { readonly phase: string }): void => {
      if (p.phase === 'verifying') aborter.abort(new Error('stopped'));
    };
    const first = await attempt({ signal: aborter.signal, onProgress }).catch(() => undefined);
    expect(first?.fetched ?? SIZE).toBe(SIZE);
    const image = await attempt();
    expect(image.fetched).toBe(0);
    expect(lab.server.seen('/a.img').requests).toHaveLength(1);
  });

  test('bytes that were damaged on the disk are found by the checksum', async () => {
    await stoppedAfter(4 * MIB, { body }, { body });
    const part = await openFile(await partOnDisk(), 'r+');
    await part.write(Buffer.from('rot'), 0, 3, MIB);
    await part.close();
    const checksum = `{SHA-256}${sha256(body)}`;
    await expect(attempt({ checksum })).rejects.toMatchObject({ kind: 'ChecksumMismatch' });
    expect((await attempt({ checksum })).fetched).toBe(SIZE);
  });

  test('the mirror whose bytes are on the pool is preferred to one of better priority', async () => {
    lab.server.serve('/best', (n) => (n === 0 ? { status: 500 } : { body }));
    const mirrors = [mirror(lab.server.url('/best'), 1), mirror(lab.server.url('/a.img'), 2)];
    lab.server.serve('/a.img', (n) => (n === 0 ? { body, stallAfter: 4 * MIB } : { body }));
    const aborter = new AbortController();
    const onProgress = (p: { readonly bytes: number }): void => {
      if (p.bytes >= 4 * MIB) aborter.abort(new Error('stopped'));
    };
    await expect(attempt({ mirrors, signal: aborter.signal, onProgress })).rejects.toThrow('stopped');
    expect(await attempt({ mirrors })).toMatchObject({ fetched: 4 * MIB });
    expect(lab.server.seen('/best').requests).toHaveLength(1);
  });

  test('bytes beyond the last checkpoint and damaged records are not trusted', async () => {
    await stoppedAfter(4 * MIB, { body }, { body });
    const folder = join(lab.pool.config.path, PARTS_FOLDER);
    const [json] = (await readdir(folder)).filter((name) => name.endsWith('.json'));
    await writeFile(join(folder, json ?? ''), '{"v":1,"offs');
    const image = await attempt();
    expect(image.fetched).toBe(SIZE);
    expect((await readFile(image.localPath)).equals(body)).toBe(true);
  });

  if (isFullRun)
    test('a part shorter than its record is not trusted', async () => {
      await stoppedAfter(4 * MIB, { body }, { body });
      await writeFile(await partOnDisk(), 'short');
      const image = await attempt();
      expect(image.fetched).toBe(SIZE);
      expect((await readFile(image.localPath)).equals(body)).toBe(true);
    });
});

const partInode = async (): Promise<number> => (await stat(await partOnDisk())).ino;

/** Only who may mount can make a pool that is too small; root in a container often may not. */
const mayMount = spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'none', tmpdir()]).status === 0;
const onTmpfs = mayMount ? describe : describe.skip;

describe('one writer per inode', () => {
  if (isFullRun)
    test('the same host continues in the same file', async () => {
      await stoppedAfter(4 * MIB, { body }, { body });
      const inode = await partInode();
      const image = await attempt();
      expect((await stat(image.localPath)).ino).toBe(inode);
    });

  test('another host copies the recorded bytes into its own file and fetches only the rest', async () => {
    await stoppedAfter(4 * MIB, { body }, { body });
    const inode = await partInode();
    const image = await attempt({}, { hostId: 'host-2' });
    expect((await stat(image.localPath)).ino).not.toBe(inode);
    expect(image.fetched).toBe(4 * MIB);
    expect((await readFile(image.localPath)).equals(body)).toBe(true);
    expect(image.sha256).toBe(sha256(body));
    expect(await lab.parts()).toEqual([]);
  });

  if (isFullRun)
    test('an incomplete copy of the predecessor is removed', async () => {
      await stoppedAfter(4 * MIB, { body }, { body });
      const before = await lab.parts();
      const aborter = new AbortController();
      const onProgress = (p: { readonly bytes: number }): void => {
        if (p.bytes >= 2 * MIB) aborter.abort(new Error('stopped'));
      };
      const copying = attempt({ signal: aborter.signal, onProgress }, { hostId: 'host-2' });
      await expect(copying).rejects.toThrow('stopped');
      expect(await lab.parts()).toEqual(before);
    });

  test('a superseded attempt that wakes up neither writes into the published file nor publishes', async () => {
    lab.server.serve('/a.img', (n) => (n === 0 ? { body, pauseMs: 20, pieceBytes: 131_072 } : { body }));
    let successor: Promise<DownloadedImage> | undefined;
    const zombie = attempt({
      onProgress(p) {
        if (p.bytes >= 2 * MIB) successor ??= attempt();
      },
    });
    const failure = await zombie.then(
      () => undefined,
      (error: unknown) => error,
    );
    const image = await successor;
    expect(failure).toMatchObject({ kind: 'HostGone' });
    expect(image?.fetched).toBeLessThanOrEqual(SIZE - MIB);
    expect((await readFile(image?.localPath ?? '')).equals(body)).toBe(true);
    expect(await lab.parts()).toEqual([]);
  });
});

describe('the thread that computes checksums', () => {
  test('fails the attempt and keeps the bytes when it dies', async () => {
    lab.server.serve('/a.img', { body });
    class Dying extends Worker {
      constructor(...args: ConstructorParameters<typeof Worker>) {
        super(...args);
        void this.terminate();
      }
    }
    const threads = jest.requireActual<{ Worker: typeof Worker }>('node:worker_threads');
    const real = threads.Worker;
    threads.Worker = Dying;
    try {
      await expect(attempt()).rejects.toMatchObject({ kind: 'HostFault' });
    } finally {
      threads.Worker = real;
    }
    const image = await attempt();
    expect(image.fetched).toBeLessThan(SIZE);
    expect(image.sha256).toBe(sha256(body));
  });
});

test('an attempt that is aborted after it was superseded leaves no record', async () => {
  const taken = deferred();
  const finished = deferred();
  const holds: Readonly<Record<number, Promise<void>>> = {
    [2 * MIB]: finished.promise,
    [4 * MIB]: new Promise<void>(() => undefined),
  };
  lab.server.serve('/a.img', (n) => (n === 0 ? { body, hold: (sent) => holds[sent] } : { body }));
  const aborter = new AbortController();
  const zombie = attempt({
    signal: aborter.signal,
    onProgress(p) {
      if (p.bytes >= 2 * MIB) taken.resolve();
    },
  });
  await taken.promise;
  // A record that is being written just now would find its folder swept, and end the attempt.
  await until('its record is written', async () => {
    const parts = await lab.parts();
    const [found] = await findParts(lab.pool, copyId);
    return (found?.checkpoint?.offset ?? 0) > 1.5 * MIB && !parts.some((name) => name.endsWith('.new'));
  });
  await attempt();
  expect(await lab.parts()).toEqual([]);
  finished.resolve();
  await until('it records its progress once more', async () => (await lab.parts()).length > 0);
  aborter.abort(new Error('called off'));
  await expect(zombie).rejects.toThrow('called off');
  expect(await lab.parts()).toEqual([]);
});

onTmpfs('a pool that is nearly full', () => {
  test('makes a download start anew when there is no room for a second copy', async () => {
    const path = await mkdtemp(join(tmpdir(), 'bypass-small-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE + 2 * MIB}`, 'none', path]);
    try {
      const pool = await openPool({
        path,
        type: 'SharedMountPoint',
        scope: 'CLUSTER',
        name: 's',
        create: true,
      });
      lab.server.serve('/a.img', (n) => (n === 0 ? { body, stallAfter: 6 * MIB } : { body }));
      const aborter = new AbortController();
      const onProgress = (p: { readonly bytes: number }): void => {
        if (p.bytes >= 6 * MIB) aborter.abort(new Error('stopped'));
      };
      await expect(attempt({ pool, signal: aborter.signal, onProgress })).rejects.toThrow('stopped');
      await expect(attempt({ pool }, { hostId: 'host-2' })).rejects.toMatchObject({ kind: 'NoSpace' });
      expect(await readdir(join(path, PARTS_FOLDER))).toEqual([]);
      const image = await attempt({ pool }, { hostId: 'host-2' });
      expect((await readFile(image.localPath)).equals(body)).toBe(true);
    } finally {
      execFileSync('umount', [path]);
      await rmdir(path);
    }
  });
});
