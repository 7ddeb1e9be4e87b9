import { randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CancelledFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { POOL_MARKER } from '../../model/names.ts';
import type { DownloadJob, DownloadResult, HostLimits, HostReport, ProbeJob } from '../../model/payloads.ts';
import { deferred } from '../support/deferred.ts';
import { openHostLab } from '../labs/host.ts';
import type { HostLab } from '../labs/host.ts';
import { qcow2Image, rawDisk } from '../support/images.ts';
import { until } from '../support/until.ts';

let lab: HostLab;
beforeEach(async () => {
  lab = await openHostLab();
});
afterEach(() => lab.close());

const environment = (): MockActivityEnvironment =>
  new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });

const within = <J, R>(activity: (job: J) => Promise<R>, job: J, context = environment()): Promise<R> =>
  context.run<[J], R, (job: J) => Promise<R>>(activity, job);

const failureOf = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

const probeJob = (url: string, changes: Partial<ProbeJob> = {}): ProbeJob => ({
  v: 1,
  templateId: randomUUID(),
  url,
  format: 'QCOW2',
  budgetMs: 4000,
  ...changes,
});

describe('probe', () => {
  test('reports what a URL has, and which host probed it', async () => {
    const body = qcow2Image({ virtualSize: 21_474_836_480n, l1Size: 40 });
    lab.server.serve('/a.qcow2', { body });
    const url = lab.server.url('/a.qcow2');
    expect(await within(lab.activities.quick.probe, probeJob(url))).toEqual({
      v: 1,
      hostId: lab.hostId,
      proof: expect.objectContaining({ v: 1, attempt: 1 }) as unknown,
      urls: [
        expect.objectContaining({
          url,
          reachable: true,
          size: body.length,
          virtualSize: 21_474_836_480,
          format: 'qcow2',
          ranges: true,
          etag: '"1"',
        }),
      ],
    });
  });

  test('that finds nothing is an answer, not a failure', async () => {
    const report = await within(lab.activities.quick.probe, probeJob(lab.server.url('/none.qcow2')));
    expect(report.urls).toEqual([
      expect.objectContaining({ reachable: false, reason: 'answers 404 Not Found' }),
    ]);
  });

  test('sends what was sealed for this host, to its origin', async () => {
    lab.server.serve('/a', { body: rawDisk(4096), needHeader: { name: 'x-token', value: 'sesame' } });
    const asked = probeJob(lab.server.url('/a'), { format: 'RAW' });
    const headers = [{ name: 'X-Token', value: 'sesame' }];
    const sealed = await lab.seal(asked.templateId, { v: 1, origin: lab.server.origin, headers });
    const report = await within(lab.activities.quick.probe, { ...asked, sealed });
    expect(report.urls[0]).toMatchObject({ reachable: true });
    expect((await within(lab.activities.quick.probe, asked)).urls[0]).toMatchObject({ reachable: false });
  });

  test('refuses what was sealed for another template', async () => {
    const asked = probeJob(lab.server.url('/a'));
    const sealed = await lab.seal(randomUUID(), { v: 1, origin: lab.server.origin, headers: [] });
    expect(await failureOf(within(lab.activities.quick.probe, { ...asked, sealed }))).toMatchObject({
      type: 'SealBroken',
    });
    expect(lab.server.seen('/a').requests).toHaveLength(0);
  });

  test('stops within its budget', async () => {
    lab.server.serve('/silent', { silent: true });
    const report = await within(
      lab.activities.quick.probe,
      probeJob(lab.server.url('/silent'), { budgetMs: 200 }),
    );
    expect(report.urls[0]).toMatchObject({ reachable: false, reason: 'did not answer within 0.2 s' });
  });

  test('of silent sources delays no probe of another account, and no removal and no certificate at all', async () => {
    await lab.close();
    lab = await openHostLab({ probeTurns: { slots: 4, slotsPerOwner: 3 } });
    lab.server.serve('/silent', { silent: true });
    lab.server.serve('/a.qcow2', { body: qcow2Image({ virtualSize: 1_048_576n, l1Size: 1 }) });
    const { quick } = lab.activities;
    const [bob, alice, carol] = [randomUUID(), randomUUID(), randomUUID()];
    const contexts = Array.from({ length: 11 }, environment);
    const silent = (context: MockActivityEnvironment, accountId: string): Promise<unknown> =>
      failureOf(within(quick.probe, probeJob(lab.server.url('/silent'), { accountId }), context));
    const probes = contexts.slice(1).map((context) => silent(context, bob));
    await until('three are asked', async () => lab.server.seen('/silent').open === 3);
    const asked = probeJob(lab.server.url('/a.qcow2'), { accountId: alice });
    expect((await within(quick.probe, asked)).urls).toEqual([expect.objectContaining({ reachable: true })]);
    expect(lab.server.seen('/silent').peak).toBe(3);
    probes.push(silent(contexts[0] ?? environment(), carol));
    await until('every turn is taken', async () => lab.server.seen('/silent').open === 4);
    const removed = { v: 1, poolId: await lab.poolId(), copyId: randomUUID() } as const;
    expect((await within(quick.remove, removed)).files).toBe(0);
    const synced = await within(quick.syncCertificates, { v: 1, certificates: [] });
    expect(synced).toMatchObject({ held: [], failed: {} });
    for (const context of contexts) context.cancel();
    await Promise.all(probes);
  });

  test('without a turn in time fails because the host probes too many URLs', async () => {
    await lab.close();
    lab = await openHostLab({ probeTurns: { slots: 1, slotsPerOwner: 1 } });
    lab.server.serve('/silent', { silent: true });
    const context = environment();
    const first = failureOf(within(lab.activities.quick.probe, probeJob(lab.server.url('/silent')), context));
    await until('it is asked', async () => lab.server.seen('/silent').open === 1);
    const late = probeJob(lab.server.url('/silent'), { budgetMs: 1100 });
    expect(await failureOf(within(lab.activities.quick.probe, late))).toMatchObject({
      type: 'HostFault',
      message: expect.stringContaining('looks at too many URLs already') as string,
    });
    context.cancel();
    await first;
  });

  test('that is cancelled ends cancelled', async () => {
    lab.server.serve('/silent', { silent: true });
    const context = environment();
    const running = failureOf(
      within(lab.activities.quick.probe, probeJob(lab.server.url('/silent')), context),
    );
    context.cancel();
    expect(await running).toBeInstanceOf(CancelledFailure);
  });

  test.each([
    ['url', 'smb://example.org/a'],
    ['budgetMs', 0],
    ['budgetMs', 1e9],
    ['templateId', 'x'],
  ])('of an unfit job (%s: %p) contacts nobody', async (name, value) => {
    const unfit = { ...probeJob(lab.server.url('/a')), [name]: value };
    expect(await failureOf(within(lab.activities.quick.probe, unfit))).toMatchObject({ type: 'Unsupported' });
    expect(lab.server.seen('/a').requests).toHaveLength(0);
  });
});

const set = (limits: HostLimits): Promise<HostReport> =>
  within(lab.activities.quick.setLimits, { v: 1, limits });

test('a download that waits for its turn is raised before others', async () => {
  const attemptId = randomUUID();
  lab.scheduler.setLimit(0);
  const stop = new AbortController();
  const places: Record<string, number> = {};
  const turn = (id: string) =>
    lab.scheduler
      .run({ id, priority: 3, signal: stop.signal, onWaiting: (ahead) => (places[id] = ahead) }, () =>
        Promise.resolve(),
      )
      .catch(() => undefined);
  const turns = [turn('first'), turn(attemptId)];
  expect(places).toEqual({ first: 0, [attemptId]: 1 });
  const raised = await within(lab.activities.quick.raisePriority, { v: 1, attemptId, priority: 1 });
  expect(raised).toMatchObject({ v: 1, hostId: lab.hostId });
  expect(places).toEqual({ first: 1, [attemptId]: 0 });
  stop.abort();
  await Promise.all(turns);
});

describe('setLimits', () => {
  test('applies limits at once, also to waiting downloads, and the host reports them', async () => {
    const begun: number[] = [];
    const end = deferred();
    const { signal } = new AbortController();
    const turns = [1, 2, 3].map((n) =>
      lab.scheduler.run({ priority: 5, signal, onWaiting: () => undefined }, () => {
        begun.push(n);
        return end.promise;
      }),
    );
    const report = await set({ revision: 1, downloads: 3, rate: 5000 });
    expect(report.limits).toEqual({ revision: 1, downloads: 3, rate: 5000 });
    expect(begun).toEqual([1, 2, 3]);
    end.resolve();
    await Promise.all(turns);
    expect((await set({ revision: 2 })).limits).toEqual({ revision: 2, downloads: 2, rate: 0 });
  });

  test('with an older revision changes nothing', async () => {
    await set({ revision: 7, downloads: 5 });
    expect((await set({ revision: 6, downloads: 1 })).limits).toMatchObject({ revision: 7, downloads: 5 });
  });

  test.each([{ downloads: 0 }, { downloads: 1.5 }, { rate: -1 }, { rate: Number.NaN }])(
    'of %p is refused',
    async (limits) => {
      expect(await failureOf(set({ revision: 1, ...limits }))).toMatchObject({ type: 'Unsupported' });
    },
  );
});

describe('describeHost', () => {
  test('reports pools with their free bytes and unfinished downloads', async () => {
    const report = await within(lab.activities.quick.describeHost, { v: 1 });
    expect(report).toMatchObject({
      v: 1,
      hostId: lab.hostId,
      version: '0.0.0',
      pools: [{ name: 'lab', path: lab.root, type: 'Filesystem', scope: 'HOST', mounted: true, parts: {} }],
      programs: [],
    });
    expect(report).not.toHaveProperty('problems');
    expect(report.pools[0]?.capacity).toBeGreaterThan(0);
  });

  test('reports a pool that is not mounted any more', async () => {
    const id = await lab.poolId();
    await rm(join(lab.root, POOL_MARKER));
    const { pools } = await within(lab.activities.quick.describeHost, { v: 1 });
    expect(pools).toEqual([
      expect.objectContaining({
        id,
        mounted: false,
        capacity: 0,
        free: 0,
        problem: expect.stringContaining('not mounted') as string,
      }),
    ]);
  });
});

const download = async (): Promise<DownloadJob> => {
  lab.server.serve('/a.img', { body: rawDisk(8192) });
  const job = await lab.job({ url: lab.server.url('/a.img') });
  await within<DownloadJob, DownloadResult>(lab.activities.transfer.download, job);
  return job;
};

describe('remove', () => {
  test('unlinks the copy, and does nothing the second time', async () => {
    const { poolId, copyId } = await download();
    const job = { v: 1, poolId, copyId } as const;
    expect(await within(lab.activities.quick.remove, job)).toMatchObject({
      v: 1,
      hostId: lab.hostId,
      files: 1,
      pool: { id: poolId },
    });
    expect(await lab.published()).toEqual([]);
    expect(await within(lab.activities.quick.remove, job)).toMatchObject({ files: 0 });
  });

  test('touches nothing in a folder that is not the pool now', async () => {
    const { poolId, copyId } = await download();
    await rm(join(lab.root, POOL_MARKER));
    expect(await failureOf(within(lab.activities.quick.remove, { v: 1, poolId, copyId }))).toMatchObject({
      type: 'PoolNotMounted',
    });
    expect(await lab.published()).toEqual([copyId]);
  });

  test.each(['../lab', '.bypass-pool', '', 'a/b'])("refuses '%s' as a copy", async (copyId) => {
    await writeFile(join(lab.root, 'bystander'), 'x');
    const job = { v: 1, poolId: await lab.poolId(), copyId } as const;
    expect(await failureOf(within(lab.activities.quick.remove, job))).toMatchObject({ type: 'Unsupported' });
    expect(await lab.published()).toEqual(['bystander']);
  });

  test('refuses the pool of another host', async () => {
    const job = { v: 1, poolId: randomUUID(), copyId: randomUUID() } as const;
    expect(await failureOf(within(lab.activities.quick.remove, job))).toMatchObject({
      type: 'PoolNotMounted',
      message: expect.stringContaining('this host has no such pool') as string,
    });
  });
});
