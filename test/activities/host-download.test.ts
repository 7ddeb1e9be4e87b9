import { randomUUID } from 'node:crypto';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ActivityCancellationDetails, ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import type { Failure } from '../../model/failures.ts';
import { POOL_MARKER } from '../../model/names.ts';
import type { QuickActivities } from '../../model/host-activities.ts';
import type {
  DownloadFailure,
  DownloadJob,
  DownloadResult,
  DownloadStopped,
  ProbeJob,
  ProbeReport,
} from '../../model/payloads.ts';
import type { Progress } from '../../model/progress.ts';
import { displayUrl } from '../../model/url.ts';
import { mirror } from '../labs/download.ts';
import { openHostLab } from '../labs/host.ts';
import type { HostLab } from '../labs/host.ts';
import { deferred } from '../support/deferred.ts';
import { rawDisk, sha256 } from '../support/images.ts';
import { metalink4 } from '../support/metalinks.ts';
import { casesOfForm, isFullRun } from '../support/programs.ts';

const MIB = 1_048_576;
const body = rawDisk(4 * MIB);
let lab: HostLab;

beforeEach(async () => {
  lab = await openHostLab();
});
afterEach(() => lab.close());

type Download = (job: DownloadJob) => Promise<DownloadResult>;

interface Run {
  readonly environment: MockActivityEnvironment;
  readonly beats: readonly Progress[];
  readonly result: Promise<DownloadResult>;
  /** What it failed with. */
  readonly failure: Promise<unknown>;
}

/** Runs a download as a worker would, in an activity context of its own. */
function run(job: DownloadJob, onBeat: (progress: Progress, run: Run) => void = () => undefined): Run {
  const environment = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });
  const beats: Progress[] = [];
  environment.on('heartbeat', (progress: Progress) => {
    beats.push(progress);
    onBeat(progress, started);
  });
  const result = Promise.resolve().then(() =>
    environment.run<[DownloadJob], DownloadResult, Download>(lab.activities.transfer.download, job),
  );
  const failure = result.then(
    () => undefined,
    (error: unknown) => error,
  );
  const started: Run = { environment, beats, result, failure };
  return started;
}

const detailOf = (failure: unknown): DownloadFailure => {
  expect(failure).toBeInstanceOf(ApplicationFailure);
  return (failure as ApplicationFailure).details?.[0] as DownloadFailure;
};

/** Resolves once a beat is as wanted. */
const beatOf = (job: DownloadJob, wanted: (progress: Progress) => boolean): Promise<Run> =>
  new Promise((resolve) => {
    run(job, (progress, started) => {
      if (wanted(progress)) resolve(started);
    });
  });

/** Serves only who shows the token. */
const serveFor = (path: string, token: string): void =>
  lab.server.serve(path, (_n, { url = '' }) => (url.endsWith(`?sig=${token}`) ? { body } : { status: 403 }));
const presigned = (path: string, token: string): string => `${lab.server.url(path)}?sig=${token}`;

describe('a download', () => {
  test('reports the published file, its path, its host and the bytes of the pool', async () => {
    // Its first heartbeat comes when a second is over.
    const beating = deferred();
    lab.server.serve('/a.img', { body, hold: () => beating.promise });
    const job = await lab.job({ url: lab.server.url('/a.img') });
    const { result, beats } = run(job, () => beating.resolve());
    const done = await result;
    expect(done).toMatchObject({
      v: 1,
      hostId: lab.hostId,
      size: body.length,
      virtualSize: body.length,
      fetched: body.length,
      sha256: sha256(body),
      installPath: job.copyId,
      localPath: join(lab.root, job.copyId),
      pool: { id: job.poolId, mounted: true, parts: {} },
    });
    expect(done.pool.free).toBeGreaterThan(0);
    expect(done.tries).toEqual([expect.objectContaining({ source: job.url, bytes: body.length })]);
    expect((await readFile(done.localPath)).equals(body)).toBe(true);
    expect(beats[0]).toMatchObject({ phase: 'downloading', attempt: { id: job.attemptId } });
    expect(beats.map(({ phase }) => phase)).toEqual(expect.arrayContaining(['verifying', 'publishing']));
  });

  if (isFullRun)
    test('from a source that cuts every connection reports the latest tries only: all would not fit into a payload', async () => {
      lab.server.serve('/a.img', { body, cutAfter: body.length / 90 });
      const done = await run(await lab.job({ url: lab.server.url('/a.img') })).result;
      expect((await readFile(done.localPath)).equals(body)).toBe(true);
      expect(lab.server.seen('/a.img').requests.length).toBeGreaterThan(80);
      expect(done.tries).toHaveLength(64);
      expect(done.tries.at(-1)?.failure).toBeUndefined();
    });

  test('reports the tries that have ended while it goes on', async () => {
    lab.server.serve('/bad', { status: 500 });
    lab.server.serve('/silent', { body, stallAfter: 1 });
    const mirrors = [mirror(lab.server.url('/bad'), 1), mirror(lab.server.url('/silent'), 2)];
    const job = await lab.job({ url: lab.server.url('/a.meta4'), mirrors });
    const running = await beatOf(job, ({ attempt }) => (attempt?.tries.length ?? 0) > 0);
    const failure = { kind: 'ServerError', class: 'source' };
    expect(running.beats.at(-1)?.attempt).toMatchObject({
      id: job.attemptId,
      tries: [{ source: lab.server.url('/bad'), failure }],
    });
    running.environment.cancel();
    await running.failure;
  });

  if (isFullRun)
    test('of a metalink fetches from its mirrors, in their order', async () => {
      lab.server.serve('/bad', { status: 500 });
      lab.server.serve('/good', { body });
      const mirrors = [mirror(lab.server.url('/good'), 2), mirror(lab.server.url('/bad'), 1)];
      const { result } = run(await lab.job({ url: lab.server.url('/a.meta4'), mirrors }));
      expect((await result).tries.map(({ source, failure }) => [source, failure?.kind])).toEqual([
        [lab.server.url('/bad'), 'ServerError'],
        [lab.server.url('/good'), undefined],
      ]);
      // For its pieces; that it is gone does no harm.
      expect(lab.server.seen('/a.meta4').requests).toHaveLength(1);
    });

  test('sends the secrets that were sealed for this host', async () => {
    lab.server.serve('/a.img', { body, needHeader: { name: 'x-token', value: 'sesame' } });
    const job = await lab.job({ url: lab.server.url('/a.img') });
    const sealed = await lab.seal(job.templateId, {
      v: 1,
      origin: lab.server.origin,
      headers: [{ name: 'X-Token', value: 'sesame' }],
    });
    await expect(run({ ...job, sealed }).result).resolves.toMatchObject({ size: body.length });
  });

  test('requests the URL with its sealed query, and shows the query nowhere', async () => {
    serveFor('/a.img', 'sesame');
    const url = displayUrl(presigned('/a.img', 'sesame'));
    const job = await lab.job({ url, mirrors: [mirror(url, 1)] });
    const whole = {
      v: 1,
      origin: lab.server.origin,
      headers: [],
      url: presigned('/a.img', 'sesame'),
    } as const;
    const sealed = await lab.seal(job.templateId, whole);
    const probed = { v: 1, templateId: job.templateId, url, format: 'RAW', budgetMs: 4000, sealed } as const;
    const found = run({ ...job, sealed });
    const done = await found.result;
    expect(done.tries).toEqual([expect.objectContaining({ source: url, bytes: body.length })]);
    const report = await new MockActivityEnvironment({}).run<
      [ProbeJob],
      ProbeReport,
      QuickActivities['probe']
    >(lab.activities.quick.probe, probed);
    expect(report.urls).toEqual([expect.objectContaining({ url, reachable: true })]);
    expect(JSON.stringify([done, found.beats, report])).not.toContain('sesame');
    expect(await run(await lab.job({ url })).failure).toMatchObject({ type: 'SealBroken' });
  });

  if (isFullRun) {
    test('reads the queries of a metalink again, and shows them nowhere', async () => {
      serveFor('/b.img', 'sesame');
      lab.server.serve('/gone.img', { redirectTo: '/b.img?sig=wrong' });
      const urls = [presigned('/gone.img', 'sesame'), presigned('/b.img', 'sesame')];
      lab.server.serve('/b.meta4', { body: metalink4(urls) });
      const mirrors = urls.map((url, at) => mirror(displayUrl(url), at + 1));
      const job = await lab.job({ url: lab.server.url('/b.meta4'), mirrors });
      const { result, beats } = run(job);
      const done = await result;
      expect(done.tries.map(({ source, bytes }) => [source, bytes])).toEqual([
        [mirrors[0]?.url, 0],
        [mirrors[1]?.url, body.length],
      ]);
      expect(JSON.stringify([done, beats])).not.toMatch(/sesame|wrong/);
      lab.server.serve('/b.meta4', { status: 404 });
      // Another template, which takes over no image of the first one.
      const again = await lab.job({ url: job.url, mirrors });
      expect(String(await run(again).failure)).toContain('the queries of its URLs are kept nowhere else');
    });

    test('resumes bytes that were fetched with a query, which no record on the pool has', async () => {
      lab.server.serve('/c.img', (n) => (n === 0 ? { body, stallAfter: body.length / 2 } : { status: 503 }));
      const url = displayUrl(presigned('/c.img', 'sesame'));
      const job = await lab.job({ url, mirrors: [mirror(url, 1)], timeouts: { idleMs: 300 } });
      const whole = {
        v: 1,
        origin: lab.server.origin,
        headers: [],
        url: presigned('/c.img', 'sesame'),
      } as const;
      const sealed = await lab.seal(job.templateId, whole);
      expect(await run({ ...job, sealed }).failure).toMatchObject({ type: expect.any(String) as string });
      const folder = join(lab.root, '.bypass-parts');
      const records = (await readdir(folder)).filter(
        (name) => name.startsWith(job.copyId) && name.endsWith('.json'),
      );
      expect(records).toHaveLength(1);
      const record = await readFile(join(folder, records[0] ?? ''), 'utf8');
      expect(JSON.parse(record)).toMatchObject({ url });
      expect(record).not.toContain('sesame');
      lab.server.serve('/c.img', { body });
      const done = await run({ ...job, sealed, attemptId: randomUUID() }).result;
      expect(done.fetched).toBeLessThan(body.length);
    });
  }

  test('refuses secrets that were sealed for another template, and makes no request', async () => {
    lab.server.serve('/a.img', { body });
    const job = await lab.job({ url: lab.server.url('/a.img') });
    const sealed = await lab.seal(randomUUID(), { v: 1, origin: lab.server.origin, headers: [] });
    const failure = await run({ ...job, sealed }).failure;
    expect(failure).toMatchObject({ type: 'SealBroken', nonRetryable: true });
    expect(lab.server.seen('/a.img').requests).toHaveLength(0);
  });
});

describe('a download that fails', () => {
  test('says so in one sentence, with the kind as type, and everything it tried as detail', async () => {
    lab.server.serve('/a.img', { status: 404 });
    const url = lab.server.url('/a.img');
    const job = await lab.job({ url });
    const failure = await run(job).failure;
    expect(failure).toMatchObject({
      type: 'NotFound',
      nonRetryable: true,
      message: `${url}: answers 404 Not Found (check the URL)`,
    });
    expect(detailOf(failure)).toMatchObject({
      v: 1,
      failure: { kind: 'NotFound', url },
      hostId: lab.hostId,
      tries: [{ source: url, bytes: 0, failure: { kind: 'NotFound' } }],
      pool: { id: job.poolId, mounted: true },
    });
    expect(lab.logged.map(({ kind }) => kind)).toEqual(['NotFound']);
  });

  test('for its content leaves no bytes; when cut off, it keeps them and reports their number', async () => {
    lab.server.serve('/a.img', { body, cutAfter: 3 * MIB, ranges: false });
    const job = await lab.job({ url: lab.server.url('/a.img') });
    const detail = detailOf(await run(job).failure);
    expect(detail.failure.kind).toBe('ConnectionLost');
    expect(detail.pool?.parts?.[job.copyId]).toBeGreaterThanOrEqual(3 * MIB);
    lab.server.serve('/b.img', { body });
    const wrong = await lab.job({
      url: lab.server.url('/b.img'),
      checksum: `{SHA-256}${'0'.repeat(64)}`,
    });
    const mismatch = detailOf(await run(wrong).failure);
    expect(mismatch.failure.kind).toBe('ChecksumMismatch');
    expect(mismatch.pool?.parts).not.toHaveProperty(wrong.copyId);
    expect(await lab.published()).toEqual([]);
  });

  if (isFullRun)
    test('because the source asks the client to wait reports the time', async () => {
      lab.server.serve('/a.img', { status: 503, headers: { 'retry-after': '7' } });
      const detail = detailOf(await run(await lab.job({ url: lab.server.url('/a.img') })).failure);
      expect(detail.failure).toMatchObject({ kind: 'Throttled', retryAfterMs: 7000 });
    });

  test('on a pool of another host is refused', async () => {
    const job = await lab.job({ url: lab.server.url('/a.img'), poolId: randomUUID() });
    expect(await run(job).failure).toMatchObject({ type: 'PoolNotMounted' });
  });

  test('on a pool that is not mounted writes nothing', async () => {
    lab.server.serve('/a.img', { body });
    const job = await lab.job({ url: lab.server.url('/a.img') });
    await rm(join(lab.root, POOL_MARKER));
    const failure = await run(job).failure;
    expect(failure).toMatchObject({ type: 'PoolNotMounted' });
    expect(detailOf(failure).pool).toMatchObject({ id: job.poolId, mounted: false });
    expect(await lab.published()).toEqual([]);
    expect(await lab.parts()).toEqual([]);
    expect(lab.server.seen('/a.img').requests).toHaveLength(0);
  });

  const unfit: readonly (readonly [string, unknown])[] = [
    ['copyId', '../../etc/passwd'],
    ['url', 'file:///etc/passwd'],
    ['mirrors', [{ url: 'file:///etc/passwd', priority: 1 }]],
    ['attemptId', 'x/../../y'],
    ['templateId', ''],
    ['poolId', 'ABCDEF00-0000-4000-8000-000000000000'],
    ['url', 'https://example.org:0/x'],
    ['format', 'VMDK'],
    ['checksum', '{CRC32}00'],
    ['size', -1],
    ['mirrors', 'x'],
    ['sealed', 7],
  ];
  test.each(casesOfForm(unfit, 3))('of an unfit job (%s: %p) touches nothing', async (name, value) => {
    const job = { ...(await lab.job({ url: lab.server.url('/a.img') })), [name]: value };
    const failure = await run(job).failure;
    expect(failure).toMatchObject({ type: 'Unsupported', nonRetryable: true });
    expect((failure as Error).message).toContain('the job cannot be taken');
    expect(await lab.parts()).toEqual([]);
  });
});

test('a job of a newer release is done without the fields that are unknown', async () => {
  lab.server.serve('/a.img', { body });
  const job = { ...(await lab.job({ url: lab.server.url('/a.img') })), v: 2, tint: 'red' };
  expect(await run(job as unknown as DownloadJob).result).toMatchObject({ size: body.length });
});

describe('a download that waits for its turn', () => {
  test('reports its place in the queue in heartbeats, and goes on in its turn', async () => {
    lab.server.serve('/a.img', { body });
    lab.scheduler.setLimit(0);
    const first = await beatOf(
      await lab.job({ url: lab.server.url('/a.img') }),
      ({ phase, ahead }) => phase === 'waiting' && ahead === 0,
    );
    const second = await beatOf(
      await lab.job({ url: lab.server.url('/a.img') }),
      ({ phase, ahead }) => phase === 'waiting' && ahead === 1,
    );
    const urgent = await beatOf(
      await lab.job({ url: lab.server.url('/a.img'), priority: 1 }),
      ({ phase, ahead }) => phase === 'waiting' && ahead === 0,
    );
    expect(second.beats.at(-1)?.ahead).toBe(2);
    expect(lab.server.seen('/a.img').requests).toHaveLength(0);
    lab.scheduler.setLimit(1);
    await Promise.all([urgent.result, first.result, second.result]);
  });

  if (isFullRun)
    test('sends heartbeats although nothing changes', async () => {
      lab.scheduler.setLimit(0);
      let beats = 0;
      const waiting = await beatOf(await lab.job({ url: lab.server.url('/a.img') }), ({ ahead }) => {
        beats += Number(ahead === 0);
        return beats > 2;
      });
      waiting.environment.cancel();
      expect(await waiting.failure).toBeInstanceOf(CancelledFailure);
    });
});

/** A source that sends half and then nothing; the run, once that half has arrived. */
const halfway = async (): Promise<{ job: DownloadJob; half: Run }> => {
  lab.server.serve('/a.img', (n) => (n === 0 ? { body, stallAfter: 2 * MIB } : { body }));
  const job = await lab.job({ url: lab.server.url('/a.img') });
  return { job, half: await beatOf(job, ({ bytes }) => bytes >= 2 * MIB) };
};
const goesOn = async (job: DownloadJob): Promise<void> => {
  const again = await run({ ...job, attemptId: randomUUID() }).result;
  expect(again.fetched).toBe(2 * MIB);
  expect((await readFile(again.localPath)).equals(body)).toBe(true);
};

describe('a download that is stopped', () => {
  test('by cancelling ends cancelled, with its tries, and keeps its bytes', async () => {
    const { job, half } = await halfway();
    half.environment.cancel('CANCELLED', new ActivityCancellationDetails({ cancelRequested: true }));
    const failure = await half.failure;
    expect(failure).toBeInstanceOf(CancelledFailure);
    const detail = (failure as CancelledFailure).details[0] as DownloadStopped;
    expect(detail).toMatchObject({ v: 1, hostId: lab.hostId, tries: [{ bytes: 2 * MIB }] });
    expect(detail.pool.parts?.[job.copyId]).toBeGreaterThanOrEqual(2 * MIB);
    await goesOn(job);
  });

  test.each(casesOfForm(['timedOut', 'paused', 'reset', 'notFound'] as const))(
    'because it is %s ends with the very reason of the signal',
    async (detail) => {
      const { job, half } = await halfway();
      half.environment.cancel('CANCELLED', new ActivityCancellationDetails({ [detail]: true }));
      expect(await half.failure).toBe(half.environment.context.cancellationSignal.reason);
      await goesOn(job);
    },
  );

  const shutdowns = [
    ['WORKER_SHUTDOWN', new ActivityCancellationDetails()],
    ['CANCELLED', new ActivityCancellationDetails({ workerShutdown: true })],
  ] as const;
  test.each(casesOfForm(shutdowns))(
    'with its worker (%s) says that the host is gone, and with which tries',
    async (reason, details) => {
      const { job, half } = await halfway();
      half.environment.cancel(reason, details);
      const failure = await half.failure;
      expect(failure).toMatchObject({ type: 'HostGone' });
      expect(detailOf(failure).tries).toEqual([
        expect.objectContaining({
          bytes: 2 * MIB,
          failure: expect.objectContaining({ kind: 'HostGone' }) as Failure,
        }),
      ]);
      await goesOn(job);
    },
  );
});

test('a job that names another host opens no secrets and asks no origin', async () => {
  lab.server.serve('/a.img', { body });
  const peer = { hostId: randomUUID(), copyId: randomUUID(), address: '127.0.0.1:1', ticket: 'a.b.c' };
  const url = displayUrl(`${lab.server.url('/a.img')}?token=hidden`);
  const { failure } = detailOf(await run(await lab.job({ url, sealed: 'for nobody', peer })).failure);
  expect(failure).toMatchObject({ kind: 'PeerUnreachable', class: 'source', url: `peer:${peer.hostId}` });
  expect(lab.server.seen('/a.img').requests).toEqual([]);
});
