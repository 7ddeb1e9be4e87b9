import { startImageServer } from '../../support/image-server.ts';
import { createHash, randomUUID } from 'node:crypto';
import { open, readFile, stat, symlink, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { download } from '../../../images/attempt/download.ts';
import type { DownloadedImage, DownloadRequest } from '../../../images/attempt/download.ts';
import type { DownloadFailed } from '../../../images/attempt/download-failed.ts';
import { PARTS_FOLDER } from '../../../images/pools/files/part-file.ts';
import { describeFailure } from '../../../model/failures.ts';
import { POOL_MARKER } from '../../../model/names.ts';
import type { Progress } from '../../../model/progress.ts';
import { mirror, openDownloadLab } from '../../labs/download.ts';
import type { DownloadLab } from '../../labs/download.ts';
import { noise, qcow2Image, rawDisk, sha256 } from '../../support/images.ts';

const MIB = 1_048_576;
let lab: DownloadLab;

beforeEach(async () => {
  lab = await openDownloadLab();
});
afterEach(() => lab.close());

const run = (
  changes: Partial<DownloadRequest> & Pick<DownloadRequest, 'url'>,
  deps: Parameters<DownloadLab['deps']>[0] = {},
): Promise<DownloadedImage> => download(lab.request(changes), lab.deps({ checkpointBytes: MIB, ...deps }));

const failureOf = async (work: Promise<unknown>): Promise<DownloadFailed> => {
  try {
    await work;
  } catch (error) {
    return error as DownloadFailed;
  }
  throw new Error('nothing failed');
};

describe('a plain download', () => {
  test('publishes unrecognised content only with a registered checksum', async () => {
    const body = noise(MIB);
    lab.server.serve('/a.img', { body });
    await expect(run({ url: lab.server.url('/a.img') })).rejects.toMatchObject({ kind: 'FormatMismatch' });
    const image = await run({ url: lab.server.url('/a.img'), checksum: `{SHA-256}${sha256(body)}` });
    expect(image).toMatchObject({ size: MIB, virtualSize: MIB });
  });

  test('publishes exactly the bytes of the source, and reports its progress', async () => {
    const body = rawDisk(3 * MIB + 17);
    lab.server.serve('/a.img', { body });
    const copyId = randomUUID();
    const seen: Progress[] = [];
    const image = await run({ url: lab.server.url('/a.img'), copyId, onProgress: (p) => void seen.push(p) });
    expect((await readFile(image.localPath)).equals(body)).toBe(true);
    expect(image).toMatchObject({
      size: body.length,
      virtualSize: 3_146_240,
      fetched: body.length,
      sha256: sha256(body),
      installPath: copyId,
      localPath: join(lab.pool.config.path, copyId),
    });
    expect(image.tries).toEqual([
      expect.objectContaining({ source: lab.server.url('/a.img'), bytes: body.length }),
    ]);
    expect(await lab.published()).toEqual([copyId]);
    expect(await lab.parts()).toEqual([]);
    expect((await stat(image.localPath)).mode & 0o777).toBe(0o644);
    expect(seen.map(({ phase }) => phase)).toEqual(
      expect.arrayContaining(['connecting', 'downloading', 'publishing']),
    );
    expect(Math.max(...seen.map(({ bytes }) => bytes))).toBe(body.length);
  });

  test('gives the published file the mode of the settings', async () => {
    lab.server.serve('/a.img', { body: rawDisk(MIB) });
    const image = await run({ url: lab.server.url('/a.img') }, { publish: { mode: 0o600 } });
    expect((await stat(image.localPath)).mode & 0o777).toBe(0o600);
  });

  test('returns a copy that is published already, and fetches nothing', async () => {
    const body = rawDisk(MIB);
    lab.server.serve('/a.img', { body });
    const request = { url: lab.server.url('/a.img'), copyId: randomUUID() };
    await run(request);
    const again = await run(request);
    expect(again).toMatchObject({ fetched: 0, size: body.length, sha256: sha256(body), tries: [] });
    expect(lab.server.seen('/a.img').requests).toHaveLength(1);
  });

  test('takes over the image of another copy of the template that this host published, and fetches nothing', async () => {
    const body = rawDisk(MIB);
    lab.server.serve('/a.img', { body });
    const request = { url: lab.server.url('/a.img'), templateId: randomUUID() };
    const before = await run({ ...request, copyId: randomUUID() });
    const after = await run({ ...request, copyId: randomUUID() });
    expect(after).toMatchObject({ fetched: 0, size: body.length, sha256: sha256(body), tries: [] });
    expect(after.localPath).toBe(join(lab.pool.config.path, after.installPath));
    expect((await stat(after.localPath)).ino).toBe((await stat(before.localPath)).ino);
    expect(await lab.published()).toEqual([before.installPath, after.installPath].toSorted());
    expect(lab.server.seen('/a.img').requests).toHaveLength(1);
    await unlink(before.localPath);
    expect(await run({ ...request, copyId: after.installPath })).toMatchObject({ fetched: 0 });
  });

  const notTaken: readonly [
    string,
    (path: string) => Promise<unknown>,
    { readonly hostId?: string; readonly templateId?: string },
  ][] = [
    ['that was changed since', (path) => writeFile(path, rawDisk(MIB, 7)), {}],
    ['of another template', () => Promise.resolve(), { templateId: randomUUID() }],
    ['that another host published', () => Promise.resolve(), { hostId: 'host-2' }],
  ];
  test.each(notTaken)('takes over no image %s', async (_name, change, { hostId, ...changes }) => {
    const body = rawDisk(MIB);
    lab.server.serve('/a.img', { body });
    const request = { url: lab.server.url('/a.img'), templateId: randomUUID() };
    const before = await run({ ...request, copyId: randomUUID() });
    await change(before.localPath);
    const left = await readFile(before.localPath);
    const after = await run(
      { ...request, ...changes, copyId: randomUUID() },
      hostId === undefined ? {} : { hostId },
    );
    expect(after).toMatchObject({ fetched: body.length, sha256: sha256(body) });
    expect((await readFile(before.localPath)).equals(left)).toBe(true);
  });

  test('does not follow a link that bears the name of the copy', async () => {
    lab.server.serve('/a.img', { body: rawDisk(MIB) });
    const copyId = randomUUID();
    await symlink('/etc/passwd', join(lab.pool.config.path, copyId));
    const failure = await failureOf(run({ url: lab.server.url('/a.img'), copyId }));
    expect(failure).toMatchObject({ kind: 'DiskBroken' });
    expect(lab.server.seen('/a.img').requests).toHaveLength(0);
  });

  test('refuses ids that are not UUIDs', async () => {
    await expect(run({ url: lab.server.url('/a.img'), copyId: '../../etc/passwd' })).rejects.toThrow(
      TypeError,
    );
  });

  test('writes nothing when the pool is not mounted', async () => {
    lab.server.serve('/a.img', { body: rawDisk(MIB) });
    await unlink(join(lab.pool.config.path, POOL_MARKER));
    const failure = await failureOf(run({ url: lab.server.url('/a.img') }));
    expect(failure).toMatchObject({ kind: 'PoolNotMounted', class: 'host' });
    expect(await lab.published()).toEqual([]);
    expect(await lab.parts()).toEqual([]);
  });

  test('does not publish when the pool went away meanwhile', async () => {
    lab.server.serve('/a.img', { body: rawDisk(MIB) });
    const onProgress = (p: Progress): void => {
      if (p.phase === 'verifying') unlink(join(lab.pool.config.path, POOL_MARKER)).catch(() => undefined);
    };
    const failure = await failureOf(run({ url: lab.server.url('/a.img'), onProgress }));
    expect(failure.kind).toBe('PoolNotMounted');
    expect(await lab.published()).toEqual([]);
  });
});

describe('verification', () => {
  const cases = [
    ['{MD5}', 'md5'],
    ['{SHA-1}', 'sha1'],
    ['{SHA-224}', 'sha224'],
    ['{SHA-256}', 'sha256'],
    ['{SHA-384}', 'sha384'],
    ['{SHA-512}', 'sha512'],
    ['', 'md5'],
  ] as const;
  test.each(cases)('accepts a correct checksum %s%s, in upper case too', async (prefix, name) => {
    const body = rawDisk(MIB);
    lab.server.serve('/a.img', { body });
    const hex = createHash(name).update(body).digest('hex').toUpperCase();
    const image = await run({ url: lab.server.url('/a.img'), checksum: `${prefix}${hex}` });
    expect(image.sha256).toBe(sha256(body));
  });

  test('a wrong checksum publishes nothing and keeps no bytes', async () => {
    lab.server.serve('/a.img', { body: rawDisk(3 * MIB) });
    const failure = await failureOf(
      run({ url: lab.server.url('/a.img'), checksum: `{SHA-256}${'0'.repeat(64)}` }),
    );
    expect(failure).toMatchObject({ kind: 'ChecksumMismatch', class: 'content' });
    expect(await lab.published()).toEqual([]);
    expect(await lab.parts()).toEqual([]);
  });

  test('after wrong content one other mirror is tried, and no third one', async () => {
    lab.server.serve('/bad1', { body: rawDisk(MIB, 2) });
    lab.server.serve('/bad2', { body: rawDisk(MIB, 3) });
    lab.server.serve('/good', { body: rawDisk(MIB, 1) });
    const mirrors = ['/bad1', '/bad2', '/good'].map((path, index) => mirror(lab.server.url(path), index + 1));
    const checksum = `{SHA-256}${sha256(rawDisk(MIB, 1))}`;
    const failure = await failureOf(run({ url: lab.server.url('/bad1'), mirrors, checksum }));
    expect(failure.kind).toBe('ChecksumMismatch');
    expect(failure.tries).toHaveLength(2);
    const image = await run({ url: lab.server.url('/bad1'), mirrors: [mirrors[0]!, mirrors[2]!], checksum });
    expect(image.sha256).toBe(sha256(rawDisk(MIB, 1)));
  });

  test('a size other than the registered one is refused before the transfer', async () => {
    lab.server.serve('/a.img', { body: rawDisk(MIB) });
    const failure = await failureOf(run({ url: lab.server.url('/a.img'), size: 5 }));
    expect(failure).toMatchObject({ kind: 'SizeMismatch', message: 'has 1048576 bytes; 5 were registered' });
    expect(failure.tries[0]).toMatchObject({ bytes: 0 });
  });

  test('a file that grew since its registration is refused with the date of its change and advice', async () => {
    lab.server.serve('/a.img', { body: rawDisk(MIB), lastModified: 'Fri, 02 Jan 2026 03:04:05 GMT' });
    const failure = await failureOf(run({ url: lab.server.url('/a.img'), size: 5 }));
    expect(describeFailure(failure.toFailure())).toBe(
      `${lab.server.url('/a.img')}: has 1048576 bytes; 5 were registered: it changed on 2026-01-02 at 03:04 UTC (register the template again if the new file is wanted)`,
    );
  });

  test.each([
    ['another tag', { etag: '"new"' }, 'has another ETag than when it was registered'],
    ['another date', { lastModified: 'Fri, 02 Jan 2026 03:04:05 GMT' }, 'changed on 2026-01-02 at 03:04 UTC'],
  ])('without a checksum, %s than the registered one is noted in the try', async (_name, now, change) => {
    const body = rawDisk(MIB);
    lab.server.serve('/a.img', { body, ...now });
    const url = lab.server.url('/a.img');
    const lastModified = 'Thu, 01 Jan 2026 00:00:00 GMT';
    const mirrors = [mirror(url, 1, { etag: '"1"', ...('etag' in now ? {} : { lastModified }) })];
    const changed = `nothing proves that the file is the one that was registered: it ${change}`;
    const image = await run({ url, mirrors, size: MIB });
    expect(image.tries).toEqual([expect.objectContaining({ note: changed, changed })]);
    const checksum = `{SHA-256}${sha256(body)}`;
    expect((await run({ url, mirrors, size: MIB, checksum })).tries[0]).not.toHaveProperty('note');
  });

  test('a body that never ends stops at the registered size', async () => {
    lab.server.serve('/a.img', { body: rawDisk(8 * MIB), chunked: true });
    const failure = await failureOf(run({ url: lab.server.url('/a.img'), size: MIB }));
    expect(failure.kind).toBe('SizeMismatch');
    expect(await lab.parts()).toEqual([]);
  });

  test('a body without a length needs a registered size or a checksum', async () => {
    const body = rawDisk(MIB);
    lab.server.serve('/a.img', { body, chunked: true });
    expect(await failureOf(run({ url: lab.server.url('/a.img') }))).toMatchObject({ kind: 'ProtocolError' });
    const checksum = `{SHA-256}${sha256(body)}`;
    expect(await run({ url: lab.server.url('/a.img'), checksum })).toMatchObject({ size: MIB });
    expect(await run({ url: lab.server.url('/a.img'), size: MIB })).toMatchObject({ size: MIB });
  });

  test('a login page in place of an image is refused early', async () => {
    const page = Buffer.concat([Buffer.from('<!DOCTYPE html><title>Log in</title>'), noise(8 * MIB)]);
    lab.server.serve('/a.img', { body: page, pauseMs: 1 });
    const failure = await failureOf(run({ url: lab.server.url('/a.img') }));
    expect(failure.kind).toBe('FormatMismatch');
    expect(failure.message).toContain('an HTML page');
    expect(lab.server.seen('/a.img').bytes).toBeLessThan(page.length);
    expect(await lab.parts()).toEqual([]);
  });

  test('a qcow2 that reads another file is refused', async () => {
    lab.server.serve('/a.qcow2', { body: qcow2Image({ backingOffset: 512n, backingSize: 11 }) });
    const failure = await failureOf(run({ url: lab.server.url('/a.qcow2'), format: 'QCOW2' }));
    expect(failure).toMatchObject({ kind: 'HostileImage', message: 'the qcow2 image has a backing file' });
    expect(await lab.published()).toEqual([]);
  });
});

describe('mirrors', () => {
  test('are tried in order of priority until one succeeds', async () => {
    const body = rawDisk(MIB);
    lab.server.serve('/good', { body });
    lab.server.serve('/broken', { status: 500 });
    const closed = await startImageServer();
    await closed.close();
    const gone = closed.url('/gone');
    const mirrors = [
      mirror(lab.server.url('/good'), 3),
      mirror(lab.server.url('/broken'), 2),
      mirror(gone, 1),
    ];
    const image = await run({ url: lab.server.url('/x.metalink'), mirrors });
    expect(image.tries.map((one) => [one.source, one.failure?.kind])).toEqual([
      [gone, 'Unreachable'],
      [lab.server.url('/broken'), 'ServerError'],
      [lab.server.url('/good'), undefined],
    ]);
  });

  test('that fail in mid-body are left for the next one, without mixing their bytes', async () => {
    const body = rawDisk(4 * MIB);
    lab.server.serve('/first', (n) =>
      n === 0 ? { body: rawDisk(4 * MIB, 7), cutAfter: 2 * MIB } : { status: 500 },
    );
    lab.server.serve('/second', { body });
    const mirrors = [mirror(lab.server.url('/first'), 1), mirror(lab.server.url('/second'), 2)];
    const image = await run({ url: lab.server.url('/first'), mirrors, size: body.length });
    expect((await readFile(image.localPath)).equals(body)).toBe(true);
    expect(lab.server.seen('/second').requests[0]).not.toHaveProperty('range');
  });

  test('report the shortest Retry-After when all are throttled', async () => {
    lab.server.serve('/a', { status: 429, headers: { 'retry-after': '60' } });
    lab.server.serve('/b', { status: 503, headers: { 'retry-after': '30' } });
    lab.server.serve('/c', { status: 404 });
    const mirrors = ['/a', '/b', '/c'].map((path, index) => mirror(lab.server.url(path), index + 1));
    const failure = await failureOf(run({ url: lab.server.url('/a'), mirrors }));
    expect(failure).toMatchObject({ kind: 'Throttled', class: 'time', retryAfterMs: 30_000 });
    expect(failure.tries).toHaveLength(3);
  });

  test('get credentials of their own origin only, as do redirect targets', async () => {
    const other = await openDownloadLab();
    try {
      lab.server.serve('/first', { redirectTo: other.server.url('/elsewhere') });
      other.server.serve('/elsewhere', { status: 404 });
      other.server.serve('/second', { body: rawDisk(MIB) });
      const mirrors = [mirror(lab.server.url('/first'), 1), mirror(other.server.url('/second'), 2)];
      const secrets = {
        v: 1 as const,
        origin: lab.server.origin,
        headers: [{ name: 'X-Token', value: 'secret' }],
        username: 'me',
        password: 'secret',
      };
      await run({ url: lab.server.url('/first'), mirrors, secrets });
      expect(lab.server.seen('/first').requests[0]).toMatchObject({
        'x-token': 'secret',
        authorization: `Basic ${Buffer.from('me:secret').toString('base64')}`,
      });
      const elsewhere = [
        ...other.server.seen('/elsewhere').requests,
        ...other.server.seen('/second').requests,
      ];
      expect(elsewhere).toHaveLength(2);
      for (const headers of elsewhere) {
        expect(headers).not.toHaveProperty('x-token');
        expect(headers).not.toHaveProperty('authorization');
      }
    } finally {
      await other.close();
    }
  });
});

describe('aborting a download', () => {
  test('throws the reason, keeps the bytes, and the next attempt fetches only the rest', async () => {
    const body = rawDisk(6 * MIB);
    lab.server.serve('/a.img', (n) => (n === 0 ? { body, stallAfter: 3 * MIB } : { body }));
    const copyId = randomUUID();
    const aborter = new AbortController();
    const reason = new Error('cancelled by the operator');
    const first = run({
      url: lab.server.url('/a.img'),
      copyId,
      signal: aborter.signal,
      onProgress: (p) => {
        if (p.bytes >= 3 * MIB) aborter.abort(reason);
      },
    });
    await expect(first).rejects.toBe(reason);
    expect(await lab.parts()).toHaveLength(2);
    const image = await run({ url: lab.server.url('/a.img'), copyId });
    expect(image.fetched).toBe(3 * MIB);
    expect((await readFile(image.localPath)).equals(body)).toBe(true);
    expect(image.sha256).toBe(sha256(body));
  });

  test('before its start changes nothing', async () => {
    await expect(
      run({ url: lab.server.url('/a.img'), signal: AbortSignal.abort(new Error('no')) }),
    ).rejects.toThrow('no');
    expect(lab.server.seen('/a.img').requests).toHaveLength(0);
  });
});

test('a failed download leaves no open descriptor and no part marked as open', async () => {
  lab.server.serve('/a.img', { body: rawDisk(MIB), cutAfter: 1000, etag: null });
  const openParts = new Set<string>();
  await failureOf(run({ url: lab.server.url('/a.img') }, { openParts }));
  expect(openParts.size).toBe(0);
  // It fails between the opening of the part and the first request.
  const parts = await lab.parts();
  await failureOf(run({ url: lab.server.url('/a.img'), checksum: '{WHIRLPOOL}00' }, { openParts }));
  expect(openParts.size).toBe(0);
  expect(await lab.parts()).toEqual(parts);
});

test('a copy that another host published first stays, and counts as done', async () => {
  const body = rawDisk(2 * MIB);
  lab.server.serve('/a.img', { body });
  const copyId = randomUUID();
  const theirs = join(lab.pool.config.path, copyId);
  const image = await run({
    url: lab.server.url('/a.img'),
    copyId,
    onProgress(p) {
      if (p.phase === 'verifying') writeFile(theirs, body, { flag: 'wx' }).catch(() => undefined);
    },
  });
  expect(image.sha256).toBe(sha256(body));
  expect(await lab.parts()).toEqual([]);
});

test('an attempt whose part file was superseded publishes nothing', async () => {
  lab.server.serve('/a.img', { body: rawDisk(2 * MIB) });
  const copyId = randomUUID();
  const attemptId = randomUUID();
  const part = join(lab.pool.config.path, PARTS_FOLDER, `${copyId}.${attemptId}.part`);
  const failure = await failureOf(
    run({
      url: lab.server.url('/a.img'),
      copyId,
      attemptId,
      onProgress(p) {
        if (p.phase === 'verifying') unlink(part).catch(() => undefined);
      },
    }),
  );
  expect(failure).toMatchObject({ kind: 'HostGone' });
  expect(await lab.published()).toEqual([]);
  expect(await lab.parts()).toEqual([]);
  await expect(open(part)).rejects.toThrow('ENOENT');
});
