import { PROTOCOLS } from '../../images/fetch/protocols/registry.ts';
import { randomUUID } from 'node:crypto';
import { openCopy } from '../../db/copies/copies.ts';
import { cancelCopy, failCopy, finishCopy, recordAttempt } from '../../db/copies/outcomes.ts';
import { keepPieces, piecesOfImage } from '../../db/copies/pieces.ts';
import { beginRemoval, finishRemoval } from '../../db/copies/removals.ts';
import { createDeploymentJob } from '../../db/jobs/jobs.ts';
import type { CopyUuids } from '../../db/jobs/jobs.ts';
import type { DownloadResult, PoolReport } from '../../model/payloads.ts';
import { openDbLab } from '../labs/db.ts';
import type { DbLab } from '../labs/db.ts';

let lab: DbLab;
beforeAll(async () => {
  lab = await openDbLab();
});
afterAll(() => lab.close());

async function newCopy() {
  const [host, template] = [await lab.addHost(), await lab.addTemplate()];
  const pool = await lab.addPool(host.uuid);
  const copy = { templateId: template.uuid, poolId: pool.id };
  const plan = await openCopy(lab.db, copy, 'w', PROTOCOLS);
  return { host, pool, copy, plan };
}

const outcomeOf = (copy: CopyUuids) => ({ copy, outcomeId: randomUUID(), workflowId: 'w' });

const attemptBy = (hostId: string, changes = {}) => {
  const now = new Date().toISOString();
  const one = { source: 'http://a/', startedAt: now, endedAt: now, bytes: 10, ...changes };
  return { attemptId: randomUUID(), hostId, hostName: 'host', tries: [one, one] };
};

const result = (hostId: string, copyId: string, pool: PoolReport): DownloadResult => ({
  v: 1,
  hostId,
  size: 600,
  physicalSize: 512,
  virtualSize: 600,
  fetched: 600,
  sha256: 'ab',
  installPath: copyId,
  localPath: `/pool/${copyId}`,
  tries: [],
  pool,
});

const row = (uuid: string) =>
  lab.db.selectFrom('template_spool_ref').where('uuid', '=', uuid).selectAll().executeTakeFirst();
const events = (uuid: string) =>
  lab.db.selectFrom('event').where('resource_uuid', '=', uuid).selectAll().execute();
const attempts = async () => lab.db.selectFrom('download_attempt').selectAll().execute();

test('attempts that end at once on one pool, as when their host dies, do not wait for each other', async () => {
  const { host, pool, copy } = await newCopy();
  const templates = await Promise.all(Array.from({ length: 7 }, () => lab.addTemplate()));
  const copies = [copy, ...templates.map(({ uuid }) => ({ templateId: uuid, poolId: pool.id }))];
  for (const one of copies) await openCopy(lab.db, one, 'w', PROTOCOLS);
  for (let round = 0; round < 5; round += 1) {
    const before = (await attempts()).length;
    await Promise.all(copies.map((one) => recordAttempt(lab.db, one, { ...attemptBy(host.uuid), pool })));
    expect((await attempts()).length - before).toBe(2 * copies.length);
  }
});

test('an outcome that is recorded twice has one row and one event', async () => {
  const { host, pool, copy, plan } = await newCopy();
  const [attempt, outcome] = [attemptBy(host.uuid), outcomeOf(copy)];
  const before = (await attempts()).length;
  const done = {
    result: result(host.uuid, plan.copyId, pool),
    attempt: { ...attempt, attemptId: randomUUID() },
  };
  const bytes: number[] = [];
  for (let round = 0; round < 2; round += 1) {
    for (const { tries } of [
      await recordAttempt(lab.db, copy, attempt),
      await finishCopy(lab.db, outcome, done),
    ])
      bytes.push(tries.reduce((sum, one) => sum + one.bytes, 0));
  }
  expect((await attempts()).length - before).toBe(4);
  // What the metrics count: nothing of an attempt that was recorded before.
  expect(bytes).toEqual([20, 20, 0, 0]);
  expect(await events(copy.templateId)).toMatchObject([{ type: 'TEMPLATE.DIRECT.DOWNLOAD', level: 'INFO' }]);
  expect(await openCopy(lab.db, copy, 'w', PROTOCOLS)).toMatchObject({ ready: true, copyId: plan.copyId });
});

test('hashes of pieces are dropped when a finished healing has shown that they are wrong', async () => {
  const { host, pool, copy, plan } = await newCopy();
  const finish = (changes: Partial<DownloadResult>) =>
    finishCopy(lab.db, outcomeOf(copy), {
      result: { ...result(host.uuid, plan.copyId, pool), ...changes },
      attempt: attemptBy(host.uuid),
    });
  const isProven = async () => (await piecesOfImage(lab.db, 'ab'))?.proven;
  await finish({});
  await keepPieces(lab.db, 'ab', { size: 600, length: 600, hashes: 'cd'.repeat(32) }, randomUUID());
  await finish({});
  expect(await isProven()).toBe(false);
  await finish({ pieces: 'right' });
  expect(await isProven()).toBe(true);
  await finish({ sha256: 'ef', pieces: 'wrong' });
  expect(await isProven()).toBe(true);
  await finish({});
  await finish({ pieces: 'wrong' });
  expect(await isProven()).toBeUndefined();
});

test('each foreign file on the pool is recorded as one event, which names its path', async () => {
  const { host, copy } = await newCopy();
  const foreign = [{ path: '/pool/x', movedTo: '/pool/x.set-aside.1' }];
  const failure = { kind: 'DiskBroken', message: '/pool/y is not a regular file', path: '/pool/y' };
  const [moved, refused] = [attemptBy(host.uuid, { foreign }), attemptBy(host.uuid, { failure })];
  for (const { tries, ...who } of [moved, refused, moved]) {
    await recordAttempt(lab.db, copy, { ...who, tries: tries.slice(1) });
  }
  const about = { type: 'TEMPLATE.POOL.FOREIGN', level: 'WARN' };
  expect(await events(copy.templateId)).toEqual([
    expect.objectContaining({
      ...about,
      description: expect.stringContaining('moved to /pool/x.set-aside.1'),
    }),
    expect.objectContaining({
      ...about,
      description: expect.stringContaining('/pool/y is not a regular file'),
    }),
  ]);
});

test('a source whose file may differ from the registered one is recorded as one event', async () => {
  const { host, copy } = await newCopy();
  const changed = 'nothing proves that the file is the one that was registered: it has another ETag';
  const { tries, ...who } = attemptBy(host.uuid, { changed });
  for (let round = 0; round < 2; round += 1)
    await recordAttempt(lab.db, copy, { ...who, tries: tries.slice(1) });
  expect(await events(copy.templateId)).toEqual([
    expect.objectContaining({
      type: 'TEMPLATE.SOURCE.CHANGED',
      level: 'WARN',
      description: expect.stringContaining(changed),
    }),
  ]);
});

test('the pool report of a result is recorded', async () => {
  const { host, pool, copy, plan } = await newCopy();
  const later = { ...pool, free: 400, parts: { [plan.copyId]: 0 } };
  const attempt = attemptBy(host.uuid);
  await finishCopy(lab.db, outcomeOf(copy), { result: result(host.uuid, plan.copyId, later), attempt });
  const stored = lab.db.selectFrom('storage_pool').where('uuid', '=', pool.id).selectAll();
  expect(await stored.executeTakeFirst()).toMatchObject({ free_bytes: 400, parts: { [plan.copyId]: 0 } });
});

test('a late failure or cancellation does not change a copy that is ready', async () => {
  const { host, pool, copy, plan } = await newCopy();
  const done = { result: result(host.uuid, plan.copyId, pool), attempt: attemptBy(host.uuid) };
  await finishCopy(lab.db, outcomeOf(copy), done);
  await failCopy(lab.db, outcomeOf(copy), { code: 530, text: 'late' });
  await cancelCopy(lab.db, outcomeOf(copy), 'late');
  expect(await row(plan.copyId)).toMatchObject({ state: 'Ready', error_str: null, cancelled_by: null });
});

test('a failed copy keeps its reason until it is tried again', async () => {
  const { copy, plan } = await newCopy();
  await failCopy(lab.db, outcomeOf(copy), { code: 530, text: 'answers 404' });
  expect(await row(plan.copyId)).toMatchObject({
    download_state: 'DOWNLOAD_ERROR',
    error_str: 'answers 404',
  });
  await openCopy(lab.db, copy, 'w', PROTOCOLS);
  expect(await row(plan.copyId)).toMatchObject({ download_state: 'DOWNLOAD_IN_PROGRESS', error_str: null });
});

test('a late result of a removed copy marks neither it nor its successor as ready', async () => {
  const { host, pool, copy, plan } = await newCopy();
  const done = { result: result(host.uuid, plan.copyId, pool), attempt: attemptBy(host.uuid) };
  await beginRemoval(lab.db, copy);
  await finishCopy(lab.db, outcomeOf(copy), done);
  expect(await row(plan.copyId)).toMatchObject({ state: 'Destroying' });
  const removed = { v: 1 as const, hostId: host.uuid, files: 1, pool };
  await finishRemoval(lab.db, outcomeOf(copy), { copyId: plan.copyId, result: removed, by: 'ann' });
  const fresh = await openCopy(lab.db, copy, 'w', PROTOCOLS);
  const { accountId, userId } = { accountId: lab.account.uuid, userId: lab.user.uuid };
  const about = { cmd: 'prepareTemplate', instanceType: 'Template', instanceUuid: copy.templateId };
  const { jobId } = await createDeploymentJob(lab.db, { accountId, userId, ...about, copies: [copy] });
  await finishCopy(lab.db, outcomeOf(copy), done);
  expect(await row(fresh.copyId)).toMatchObject({
    state: 'Creating',
    download_state: 'DOWNLOAD_IN_PROGRESS',
  });
  const job = lab.db.selectFrom('async_job').where('uuid', '=', jobId).select('job_status');
  expect(await job.executeTakeFirst()).toEqual({ job_status: 0 });
});

test('a copy whose removal was given up is not marked for it any more when it is made again', async () => {
  const { copy, plan } = await newCopy();
  await beginRemoval(lab.db, copy);
  await openCopy(lab.db, copy, 'w', PROTOCOLS);
  expect(await row(plan.copyId)).toMatchObject({ state: 'Creating', marked_for_gc: false });
});

test('the removal of one copy does not take a later one with it', async () => {
  const { host, pool, copy, plan } = await newCopy();
  const begun = await beginRemoval(lab.db, copy);
  expect(begun?.copyId).toBe(plan.copyId);
  const removed = { v: 1 as const, hostId: host.uuid, files: 1, pool };
  const outcome = outcomeOf(copy);
  await finishRemoval(lab.db, outcome, { copyId: plan.copyId, result: removed, by: 'ann' });
  const fresh = await openCopy(lab.db, copy, 'w', PROTOCOLS);
  expect(fresh.copyId).not.toBe(plan.copyId);
  await finishRemoval(lab.db, outcome, { copyId: plan.copyId, result: removed, by: 'ann' });
  expect(await row(fresh.copyId)).toMatchObject({ state: 'Creating' });
});

test('copies of one pool that end at the same time wait for each other in no circle', async () => {
  const { host, pool } = await newCopy();
  const ends = await Promise.all(
    Array.from({ length: 12 }, async () => {
      const copy = { templateId: (await lab.addTemplate()).uuid, poolId: pool.id };
      const { copyId } = await openCopy(lab.db, copy, 'w', PROTOCOLS);
      return { outcome: outcomeOf(copy), result: result(host.uuid, copyId, pool) };
    }),
  );
  const finish = ({ outcome, result: done }: (typeof ends)[number]) =>
    finishCopy(lab.db, outcome, { result: done, attempt: attemptBy(host.uuid) });
  expect((await Promise.all(ends.map(finish))).map(({ refused }) => refused)).toEqual(
    ends.map(() => undefined),
  );
});
