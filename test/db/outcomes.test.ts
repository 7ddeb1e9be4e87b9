import { randomUUID } from 'node:crypto';
import { openCopy } from '../../db/copies.ts';
import { cancelCopy, failCopy, finishCopy, recordAttempt } from '../../db/outcomes.ts';
import { beginRemoval, finishRemoval } from '../../db/removals.ts';
import { createJob } from '../../db/jobs.ts';
import type { CopyUuids } from '../../db/jobs.ts';
import type { DownloadResult, PoolReport } from '../../model/payloads.ts';
import { openDbLab } from './lab.ts';
import type { DbLab } from './lab.ts';

let lab: DbLab;
beforeAll(async () => {
  lab = await openDbLab();
});
afterAll(() => lab.close());

async function newCopy() {
  const [host, template] = [await lab.addHost(), await lab.addTemplate()];
  const pool = await lab.addPool(host.uuid);
  const copy = { templateId: template.uuid, poolId: pool.id };
  const plan = await openCopy(lab.db, copy, 'w');
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

test('what is written twice is there once', async () => {
  const { host, pool, copy, plan } = await newCopy();
  const [attempt, outcome] = [attemptBy(host.uuid), outcomeOf(copy)];
  const before = (await attempts()).length;
  for (let round = 0; round < 2; round += 1) {
    await recordAttempt(lab.db, copy, attempt);
    await finishCopy(lab.db, outcome, { result: result(host.uuid, plan.copyId, pool), attempt });
  }
  expect((await attempts()).length - before).toBe(2);
  expect(await events(copy.templateId)).toMatchObject([{ type: 'TEMPLATE.DIRECT.DOWNLOAD', level: 'INFO' }]);
  expect(await openCopy(lab.db, copy, 'w')).toMatchObject({ ready: true, copyId: plan.copyId });
});

test('the report that comes with a result counts for the pool', async () => {
  const { host, pool, copy, plan } = await newCopy();
  const later = { ...pool, free: 400, parts: { [plan.copyId]: 0 } };
  const attempt = attemptBy(host.uuid);
  await finishCopy(lab.db, outcomeOf(copy), { result: result(host.uuid, plan.copyId, later), attempt });
  const stored = lab.db.selectFrom('storage_pool').where('uuid', '=', pool.id).selectAll();
  expect(await stored.executeTakeFirst()).toMatchObject({ free_bytes: 400, parts: { [plan.copyId]: 0 } });
});

test('a copy that is there does not fail, and is not cancelled, by one that comes late', async () => {
  const { host, pool, copy, plan } = await newCopy();
  const done = { result: result(host.uuid, plan.copyId, pool), attempt: attemptBy(host.uuid) };
  await finishCopy(lab.db, outcomeOf(copy), done);
  await failCopy(lab.db, outcomeOf(copy), { code: 530, text: 'late' });
  await cancelCopy(lab.db, outcomeOf(copy), 'late');
  expect(await row(plan.copyId)).toMatchObject({ state: 'Ready', error_str: null, cancelled_by: null });
});

test('a failed one keeps its reason until it is tried again', async () => {
  const { copy, plan } = await newCopy();
  await failCopy(lab.db, outcomeOf(copy), { code: 530, text: 'answers 404' });
  expect(await row(plan.copyId)).toMatchObject({
    download_state: 'DOWNLOAD_ERROR',
    error_str: 'answers 404',
  });
  await openCopy(lab.db, copy, 'w');
  expect(await row(plan.copyId)).toMatchObject({ download_state: 'DOWNLOAD_IN_PROGRESS', error_str: null });
});

test('what comes late of a copy that is removed says neither of it nor of its successor that it is there', async () => {
  const { host, pool, copy, plan } = await newCopy();
  const done = { result: result(host.uuid, plan.copyId, pool), attempt: attemptBy(host.uuid) };
  await beginRemoval(lab.db, copy);
  await finishCopy(lab.db, outcomeOf(copy), done);
  expect(await row(plan.copyId)).toMatchObject({ state: 'Destroying' });
  const removed = { v: 1 as const, hostId: host.uuid, files: 1, pool };
  await finishRemoval(lab.db, outcomeOf(copy), { copyId: plan.copyId, result: removed, by: 'ann' });
  const fresh = await openCopy(lab.db, copy, 'w');
  const { accountId, userId } = { accountId: lab.account.uuid, userId: lab.user.uuid };
  const about = { cmd: 'prepareTemplate', instanceType: 'Template', instanceUuid: copy.templateId };
  const jobId = await createJob(lab.db, { accountId, userId, ...about, copies: [copy] });
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
  await openCopy(lab.db, copy, 'w');
  expect(await row(plan.copyId)).toMatchObject({ state: 'Creating', marked_for_gc: false });
});

test('the removal of one copy does not take a later one with it', async () => {
  const { host, pool, copy, plan } = await newCopy();
  const begun = await beginRemoval(lab.db, copy);
  expect(begun?.copyId).toBe(plan.copyId);
  const removed = { v: 1 as const, hostId: host.uuid, files: 1, pool };
  const outcome = outcomeOf(copy);
  await finishRemoval(lab.db, outcome, { copyId: plan.copyId, result: removed, by: 'ann' });
  const fresh = await openCopy(lab.db, copy, 'w');
  expect(fresh.copyId).not.toBe(plan.copyId);
  await finishRemoval(lab.db, outcome, { copyId: plan.copyId, result: removed, by: 'ann' });
  expect(await row(fresh.copyId)).toMatchObject({ state: 'Creating' });
});
