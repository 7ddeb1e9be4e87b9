import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { pino } from 'pino';
import { download } from '../../images/attempt/download.ts';
import type { DownloadRequest } from '../../images/attempt/download.ts';
import { evidenceOf } from '../../images/image-refused.ts';
import { PARTS_FOLDER } from '../../images/pools/files/part-file.ts';
import type { Denied } from '../../images/fetch/network/egress-policy.ts';
import { ImageError } from '../../model/failures.ts';
import type { Try } from '../../model/payloads.ts';
import type { Progress } from '../../model/progress.ts';
import { PROJECT_ROOT } from '../../platform/installation.ts';
import { createTransfers } from '../../workers/transfers.ts';
import type { Transfers, TransfersOptions } from '../../workers/transfers.ts';
import { ensureBuilt } from '../support/ensure-built.ts';
import { openDownloadLab } from '../labs/download.ts';
import type { DownloadLab } from '../labs/download.ts';
import { rawDisk, sha256 } from '../support/images.ts';
import { onLoopback } from '../support/loopback.ts';
import { isFullRun } from '../support/programs.ts';
import { until } from '../support/until.ts';

const MIB = 1_048_576;
const body = rawDisk(4 * MIB);
const FAULTY = pathToFileURL(join(PROJECT_ROOT, 'test', 'support', 'faulty-thread.mjs'));
let lab: DownloadLab;
let transfers: Transfers;
let log: string[];

beforeAll(() => ensureBuilt());
beforeEach(async () => {
  lab = await openDownloadLab();
  log = [];
  transfers = start();
});
afterEach(async () => {
  await transfers.close();
  await lab.close();
});

const start = (changes: Partial<TransfersOptions> = {}): Transfers =>
  createTransfers({
    settings: {
      hostId: 'host-1',
      stateDir: lab.stateDir('host-1'),
      sources: onLoopback,
      rate: 0,
      checkpointBytes: MIB,
    },
    logger: pino({ level: 'trace' }, { write: (line) => void log.push(line) }),
    ...changes,
  });

/** Replaces the transfers that every test starts with. */
async function startAs(changes: Partial<TransfersOptions>): Promise<void> {
  await transfers.close();
  transfers = start(changes);
}

const request = (path: string, changes: Partial<DownloadRequest> = {}): DownloadRequest =>
  lab.request({ url: lab.server.url(path), ...changes });

const failureOf = (work: Promise<unknown>): Promise<ImageError> =>
  work.then(
    () => Promise.reject(new Error('it did not fail')),
    (error: unknown) => error as ImageError,
  );

/** A download that stalls after some bytes. */
function stalled(path: string, changes: Partial<DownloadRequest> = {}) {
  lab.server.serve(path, (n) => (n === 0 ? { body, stallAfter: 3 * MIB } : { body }));
  let bytes = 0;
  const asked = request(path, { ...changes, onProgress: (progress) => void (bytes = progress.bytes) });
  const image = transfers.download(asked);
  image.catch(() => undefined);
  return { asked, image, begun: until('most of the file', () => bytes >= 3 * MIB) };
}

/** Number of part files of a copy that this process and its threads have open. */
async function openParts(copyId: string): Promise<number> {
  const links = (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => ''));
  return (await Promise.all(links)).filter((path) =>
    path.startsWith(join(lab.pool.config.path, PARTS_FOLDER, copyId)),
  ).length;
}

describe('a download in the thread', () => {
  test('returns the image, each try, and progress of every phase', async () => {
    lab.server.serve('/a.img', { body, etag: '"x"' });
    const seen: Progress[] = [];
    const tries: Try[] = [];
    const asked = request('/a.img', {
      checksum: `{SHA-256}${sha256(body)}`,
      onProgress: (progress) => void seen.push(progress),
      onTry: (ended) => void tries.push(ended),
    });
    const image = await transfers.download(asked);
    expect(image).toMatchObject({ size: body.length, fetched: body.length, installPath: asked.copyId });
    expect((await readFile(image.localPath)).equals(body)).toBe(true);
    expect(tries).toEqual([expect.objectContaining({ source: asked.url, bytes: body.length })]);
    expect(new Set(seen.map(({ phase }) => phase))).toEqual(
      new Set(['reusing', 'connecting', 'downloading', 'verifying', 'publishing']),
    );
    expect(await transfers.download(asked)).toMatchObject({ fetched: 0, size: body.length });
  });

  test('fails with kind, sentence, URL and wait; the stack is for the log', async () => {
    lab.server.serve('/busy', { status: 503, headers: { 'retry-after': '7' } });
    const failure = await failureOf(transfers.download(request('/busy')));
    expect(failure).toBeInstanceOf(ImageError);
    expect(failure).toMatchObject({ kind: 'Throttled', url: lab.server.url('/busy'), retryAfterMs: 7000 });
    expect(failure.stack).toContain('images/');
  });

  if (isFullRun)
    test('fails with the evidence about a file that is refused', async () => {
      lab.server.serve('/page', { body: Buffer.from('<!doctype html><html><body>log in</body></html>') });
      const failure = await failureOf(transfers.download(request('/page', { format: 'QCOW2' })));
      expect(failure.kind).toBe('FormatMismatch');
      expect(evidenceOf(failure)).toMatchObject({ looked: 'file' });
    });

  test('sends secrets to their origin, and writes them to no log', async () => {
    lab.server.serve('/a.img', { body, needHeader: { name: 'x-token', value: 'sesame' } });
    const headers = [{ name: 'X-Token', value: 'sesame' }];
    const secrets = { v: 1, origin: lab.server.origin, headers } as const;
    await expect(transfers.download(request('/a.img', { secrets }))).resolves.toMatchObject({
      fetched: 4 * MIB,
    });
    lab.server.serve('/dies', { body, silent: true });
    await startAs({ program: FAULTY });
    await failureOf(transfers.download(request('/dies', { secrets })));
    expect(log.join('')).toContain('a fault of its own');
    expect(log.join('')).not.toContain('sesame');
  });

  test('ends with the reason of an abort once the bytes are recorded, and the next one continues from them', async () => {
    const stop = new AbortController();
    const { asked, image, begun } = stalled('/a.img', { signal: stop.signal });
    await begun;
    stop.abort(new Error('enough'));
    await expect(image).rejects.toBe(stop.signal.reason);
    expect(await openParts(asked.copyId)).toBe(0);
    const again = await transfers.download({ ...asked, attemptId: randomUUID(), signal: newSignal() });
    expect(again.fetched).toBe(MIB);
  });

  if (isFullRun)
    test('writes to a separate file while another download of the copy has the part file open', async () => {
      const first = stalled('/a.img');
      await first.begun;
      const image = await transfers.download({ ...first.asked, attemptId: randomUUID() });
      expect((await readFile(image.localPath)).equals(body)).toBe(true);
    });

  test('follows the policy of its job, and reports the URLs that the policy refused', async () => {
    const denied: Denied[] = [];
    await startAs({ onDenied: (one) => void denied.push(one) });
    const asked = request('/a.img');
    const policy = { denyAddresses: ['127.0.0.0/8'] };
    await expect(transfers.download(asked, { policy })).rejects.toMatchObject({ kind: 'NotAllowed' });
    expect(denied).toEqual([expect.objectContaining({ url: asked.url })]);
    expect(lab.server.seen('/a.img').requests).toHaveLength(0);
  });

  test('keeps the rate limit, also one that is changed meanwhile', async () => {
    lab.server.serve('/a.img', { body });
    await startAs({
      settings: { hostId: 'host-1', stateDir: lab.stateDir('host-1'), sources: onLoopback, rate: 1000 },
    });
    let bytes = 0;
    const image = transfers.download(
      request('/a.img', { onProgress: (progress) => void (bytes = progress.bytes) }),
    );
    await until('the first bytes', () => bytes > 0);
    expect(bytes).toBeLessThan(body.length);
    transfers.setRate(0);
    expect((await image).fetched).toBe(body.length);
  });
});

const newSignal = (): AbortSignal => new AbortController().signal;

describe('the transfer thread', () => {
  test('fails its jobs as HostGone when it dies of an error; the next thread continues them', async () => {
    await startAs({ program: FAULTY });
    const { asked, image, begun } = stalled('/a.img');
    await begun;
    const dying = failureOf(transfers.download(request('/dies')));
    // A download requested while the thread dies waits until the thread has closed its files.
    const next = until('the death', () => log.length > 0).then(() =>
      transfers.download({ ...asked, attemptId: randomUUID() }),
    );
    for (const failure of [await failureOf(image), await dying]) {
      expect(failure).toMatchObject({
        kind: 'HostGone',
        message: expect.stringContaining('a fault of its own'),
      });
      expect(failure.class).toBe('host');
    }
    const { fetched, localPath } = await next;
    expect((await readFile(localPath)).equals(body)).toBe(true);
    expect(fetched).toBeLessThan(body.length);
    expect(await openParts(asked.copyId)).toBe(0);
  });

  if (isFullRun)
    test('fails its jobs as HostGone when it dies of too little memory', async () => {
      await startAs({ resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 8 } });
      const { image, begun } = stalled('/a.img');
      await begun;
      const headers = Array.from({ length: 600_000 }, (_, n) => ({ name: `x-${n}`, value: `${n}` }));
      const secrets = { v: 1, origin: lab.server.origin, headers } as const;
      await expect(transfers.download(request('/b.img', { secrets }))).rejects.toMatchObject({
        kind: 'HostGone',
      });
      await expect(image).rejects.toMatchObject({ kind: 'HostGone' });
      lab.server.serve('/c.img', { body });
      expect(await transfers.download(request('/c.img'))).toMatchObject({ fetched: body.length });
    });

  if (isFullRun)
    test('is terminated when it hangs', async () => {
      // Much longer than a thread takes to start on a busy machine: the second download must not count as hung.
      await startAs({ program: FAULTY, silentMs: 10_000 });
      const failure = await failureOf(transfers.download(request('/hangs')));
      expect(failure).toMatchObject({ kind: 'HostGone', message: expect.stringContaining('hung for 10 s') });
      lab.server.serve('/a.img', { body });
      expect(await transfers.download(request('/a.img'))).toMatchObject({ fetched: body.length });
    });

  test('fails the download as HostGone when it cannot start', async () => {
    await startAs({ program: new URL('file:///nowhere/thread.js') });
    await expect(transfers.download(request('/a.img'))).rejects.toMatchObject({ kind: 'HostGone' });
  });
});

test('an orderly stop waits until the bytes that arrived are recorded, and refuses further downloads', async () => {
  const { image, begun, asked } = stalled('/a.img');
  await begun;
  await transfers.close();
  await expect(image).rejects.toMatchObject({ kind: 'HostGone' });
  await expect(transfers.download(asked)).rejects.toMatchObject({ kind: 'HostGone' });
  const parts = await lab.parts();
  expect(parts).toHaveLength(2);
  transfers = start();
  expect(await transfers.download({ ...asked, attemptId: randomUUID() })).toMatchObject({ fetched: MIB });
});

/** CPU time of this thread since it began, in ns (proc(5), schedstat); read synchronously, so that it is this thread. */
const mainThreadCpuNs = (): number =>
  Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ')[0]);

test('the main thread stays free while an image is unpacked', async () => {
  lab.server.serve('/zeros.gz', { body: gzipSync(Buffer.alloc((isFullRun ? 256 : 128) * MIB)) });
  /** What `work` costs the main thread of this process, in ns of CPU: the load of the machine does not count. */
  const busy = async (work: (request: DownloadRequest) => Promise<unknown>): Promise<number> => {
    const before = mainThreadCpuNs();
    await work(request('/zeros.gz'));
    return mainThreadCpuNs() - before;
  };
  const here = await busy((asked) => download(asked, lab.deps()));
  lab.server.serve('/small', { body });
  await transfers.download(request('/small'));
  const there = await busy((asked) => transfers.download(asked));
  expect(there).toBeLessThan(here / 4);
});
