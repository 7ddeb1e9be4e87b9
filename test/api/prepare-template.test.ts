import { randomUUID } from 'node:crypto';
import { ServiceError } from '@temporalio/client';
import { createDeploymentJob } from '../../db/jobs/jobs.ts';
import { createZone } from '../../db/zones/zones.ts';
import type { Place } from '../../db/zones/zones.ts';
import { addHost, deploy, openLab, poolReport, SIZE } from '../labs/api.ts';
import type { Caller, Json, Lab, Parameters, TestHost } from '../labs/api.ts';
import { settle } from '../support/settle.ts';

let lab: Lab;
let host: TestHost;
let empty: Place;
const pools = {
  local: poolReport('local'),
  shared: poolReport('shared', { scope: 'CLUSTER', type: 'SharedMountPoint' }),
  unmounted: poolReport('unmounted'),
  down: poolReport('down'),
  unapproved: poolReport('unapproved'),
  disabled: poolReport('disabled'),
};

beforeAll(async () => {
  lab = await openLab();
  const { local, shared, unmounted, disabled } = pools;
  host = await addHost(lab, { name: 'kvm-1', pools: [local, shared, unmounted, disabled] });
  await addHost(lab, { name: 'kvm-2', pools: [pools.down, shared], up: false });
  await addHost(lab, { name: 'kvm-3', pools: [pools.unapproved], state: 'Disabled' });
  await lab.db
    .updateTable('storage_pool_host_ref')
    .set({ mounted: false, problem: 'the marker is absent' })
    .where('local_path', '=', '/pools/unmounted')
    .execute();
  await lab.db
    .updateTable('storage_pool')
    .set({ state: 'Disabled' })
    .where('name', '=', 'disabled')
    .execute();
  empty = await createZone(lab.db, { name: 'empty' });
});
afterEach(() => lab.orchestration.forget());
afterAll(() => lab.close());

const deployments = (): readonly Json[] => lab.orchestration.of('requestDeployment');

const prepare = (templateid: string, more: Parameters = {}, who: Caller = lab.admin) =>
  who.call('prepareTemplate', { templateid, zoneid: lab.zone.uuid, ...more });

const jobs = () => lab.db.selectFrom('async_job').select(['uuid', 'job_cmd']).execute();

describe('prepareTemplate', () => {
  test('answers, for one pool, the template and a job that waits for the copy', async () => {
    const { templateId } = await lab.template(lab.user, { name: 'one pool' });
    const { inner, body } = await prepare(templateId, { storageid: pools.local.id });
    expect(Object.keys(body)).toEqual(['preparetemplateresponse']);
    expect(Object.keys(inner).toSorted()).toEqual(['jobid', 'template']);
    expect(inner.template).toMatchObject({ id: templateId, name: 'one pool', zoneid: lab.zone.uuid });
    expect(lab.orchestration.asked).toEqual([
      {
        what: 'requestDeployment',
        args: [
          { templateId, poolId: pools.local.id },
          { names: { template: 'one pool', pool: 'local' }, awaited: false },
        ],
      },
    ]);
    const job = await lab.admin.ok('queryAsyncJobResult', { jobid: inner.jobid });
    expect(job).toEqual({
      jobid: inner.jobid,
      accountid: lab.admin.accountUuid,
      account: 'root',
      domain: 'ROOT',
      domainid: expect.any(String),
      domainpath: 'ROOT',
      userid: lab.admin.userUuid,
      cmd: 'prepareTemplate',
      jobstatus: 0,
      jobprocstatus: 0,
      jobresultcode: 0,
      jobinstancetype: 'Template',
      jobinstanceid: templateId,
      created: expect.stringMatching(/\+0000$/),
    });
  });

  test('deploys, without a pool, to every enabled pool that a live, admitted host mounts', async () => {
    const { templateId } = await lab.template(lab.user);
    const { inner } = await prepare(templateId);
    expect(Object.keys(inner).toSorted()).toEqual(['jobid', 'template']);
    expect(deployments()).toEqual([]);
    expect(lab.orchestration.of('requestRollout')).toEqual([
      { jobId: inner.jobid, templateId, templateName: 'debian' },
    ]);
    const copies = await lab.db
      .selectFrom('async_job_copy')
      .where('template_uuid', '=', templateId)
      .select(['pool_uuid', 'turn'])
      .execute();
    expect(copies.toSorted((a, b) => (a.pool_uuid < b.pool_uuid ? -1 : 1))).toEqual(
      [pools.local.id, pools.shared.id].toSorted().map((id) => ({ pool_uuid: id, turn: 'queued' })),
    );
  });

  test('deploys an ISO too', async () => {
    const { templateId } = await lab.template(lab.user, { format: 'ISO', name: 'an iso' });
    const { inner } = await prepare(templateId, { storageid: pools.local.id });
    expect(inner.template).toMatchObject({ id: templateId, format: 'ISO' });
    expect((await lab.admin.ok('queryAsyncJobResult', { jobid: inner.jobid })).jobinstancetype).toBe('Iso');
  });

  test('gives each of 200 callers a job, and all jobs request the same copy', async () => {
    const { templateId } = await lab.template(lab.user);
    const replies = await Promise.all(
      Array.from({ length: 200 }, () => prepare(templateId, { storageid: pools.shared.id })),
    );
    expect(new Set(replies.map(({ inner }) => inner.jobid as string)).size).toBe(200);
    expect(new Set(deployments().map((copy) => JSON.stringify(copy))).size).toBe(1);
    await settle(lab.db, { templateId, poolId: pools.shared.id }, { code: 530, text: 'the reason' });
    const job = await lab.admin.ok('queryAsyncJobResult', { jobid: replies[199]?.inner.jobid });
    expect(job).toMatchObject({
      jobstatus: 2,
      jobresultcode: 530,
      jobresulttype: 'object',
      jobresult: { errorcode: 530, errortext: 'the reason' },
      completed: expect.any(String),
    });
  });

  test('ends its job with the copies and their pools as the result', async () => {
    const { templateId } = await lab.template(lab.user);
    const { inner } = await prepare(templateId, { storageid: pools.local.id });
    await deploy(lab, { templateId, poolId: pools.local.id }, { host, pool: pools.local });
    const job = await lab.admin.ok('queryAsyncJobResult', { jobid: inner.jobid });
    expect(job).toMatchObject({ jobstatus: 1, jobresultcode: 0, jobresulttype: 'object' });
    expect(job.jobresult).toMatchObject({
      success: true,
      templatedeployment: [{ templateid: templateId, storageid: pools.local.id, state: 'Ready', size: SIZE }],
    });
  });

  test('creates the job even if Temporal does not answer; the job begins later', async () => {
    const { templateId } = await lab.template(lab.user);
    lab.orchestration.failure = new ServiceError('no connection');
    const { status, inner } = await prepare(templateId, { storageid: pools.local.id });
    expect(status).toBe(200);
    expect((await lab.admin.ok('queryAsyncJobResult', { jobid: inner.jobid })).jobstatus).toBe(0);
  });

  const unknown = randomUUID();
  test.each<[string, Parameters, number, string]>([
    ['no template', { templateid: unknown }, 431, `Invalid parameter templateid value=${unknown}`],
    ['no zone', { zoneid: unknown }, 431, `Invalid parameter zoneid value=${unknown}`],
    ['no pool', { storageid: unknown }, 431, `Invalid parameter storageid value=${unknown}`],
    [
      'a disabled pool',
      { storageid: pools.disabled.id },
      431,
      "names pool 'disabled', which is in state Disabled",
    ],
    [
      'an unmounted pool',
      { storageid: pools.unmounted.id },
      533,
      "No host that is Up and Enabled mounts pool 'unmounted'",
    ],
    ['a pool of a dead host', { storageid: pools.down.id }, 533, "mounts pool 'down'"],
    [
      'a pool of a host that is not admitted',
      { storageid: pools.unapproved.id },
      533,
      "mounts pool 'unapproved'",
    ],
  ])('refuses %s', async (_what, changes, code, sentence) => {
    const { templateId } = await lab.template(lab.user);
    const before = await jobs();
    const { status, inner } = await prepare(templateId, changes);
    expect([status, inner.errorcode]).toEqual([code, code]);
    expect(inner.errortext).toContain(sentence);
    expect(lab.orchestration.asked).toEqual([]);
    expect(await jobs()).toEqual(before);
  });

  test('refuses a zone that the template is not in, a pool of another zone, and a zone without pools', async () => {
    const { templateId } = await lab.template(lab.user);
    const elsewhere = await prepare(templateId, { zoneid: empty.uuid });
    expect(elsewhere.inner.errortext).toBe(
      "Parameter zoneid is zone 'empty', which Template 'debian' is not registered in.",
    );
    const { templateId: both } = await lab.template(lab.user, { zoneIds: [lab.zone.uuid, empty.uuid] });
    const mismatch = await prepare(both, { zoneid: empty.uuid, storageid: pools.local.id });
    expect([mismatch.status, mismatch.inner.errortext]).toEqual([
      431,
      "Parameter storageid names pool 'local', which is not in zone 'empty'.",
    ]);
    const none = await prepare(both, { zoneid: empty.uuid });
    expect([none.status, none.inner.errortext]).toEqual([
      533,
      "Zone 'empty' has no pool to deploy to: it has no pool; host workers bring theirs when they join.",
    ]);
  });

  test('refuses a template that is being checked or deleted', async () => {
    for (const [state, sentence] of [
      ['NotUploaded', 'which is still being registered'],
      ['Inactive', 'Invalid parameter templateid'],
    ] as const) {
      const { templateId } = await lab.template(lab.admin);
      await lab.db.updateTable('vm_template').set({ state }).where('uuid', '=', templateId).execute();
      const { status, inner } = await prepare(templateId);
      expect([status, inner.errortext]).toEqual([431, expect.stringContaining(sentence)]);
    }
    expect(lab.orchestration.asked).toEqual([]);
  });
});

test('a job of several copies fails when one copy fails', async () => {
  const { templateId } = await lab.template(lab.admin);
  const copies = [pools.local, pools.shared].map(({ id }) => ({ templateId, poolId: id }));
  const { jobId: jobid } = await createDeploymentJob(lab.db, {
    accountId: lab.admin.accountUuid,
    userId: lab.admin.userUuid,
    cmd: 'prepareTemplate',
    instanceType: 'Template',
    instanceUuid: templateId,
    copies,
  });
  const settleAt = (index: number, error?: { code: number; text: string }) =>
    settle(lab.db, copies[index] ?? (copies[0] as never), error);
  await settleAt(0, { code: 533, text: 'no room' });
  expect((await lab.admin.ok('queryAsyncJobResult', { jobid })).jobstatus).toBe(0);
  await settleAt(1);
  expect(await lab.admin.ok('queryAsyncJobResult', { jobid })).toMatchObject({
    jobstatus: 2,
    jobresultcode: 533,
    jobresult: { errorcode: 533, errortext: 'no room' },
  });
});
