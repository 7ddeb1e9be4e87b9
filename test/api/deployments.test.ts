import { randomUUID } from 'node:crypto';
import { ServiceError } from '@temporalio/client';
import { openCopy } from '../../db/copies.ts';
import { completeJob, completeJobsOf, createJob, settleCopy } from '../../db/jobs.ts';
import { recordAttempt } from '../../db/outcomes.ts';
import { createZone } from '../../db/zones.ts';
import type { Place } from '../../db/zones.ts';
import type { PoolReport } from '../../model/payloads.ts';
import { addHost, deploy, openLab, poolReport, SIZE } from './lab.ts';
import type { Caller, Json, Lab, Parameters, TestHost } from './lab.ts';

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
  test('on one pool: the template, and a job that waits for the copy', async () => {
    const { templateId } = await lab.template(lab.user, { name: 'one pool' });
    const { inner, body } = await prepare(templateId, { storageid: pools.local.id });
    expect(Object.keys(body)).toEqual(['preparetemplateresponse']);
    expect(Object.keys(inner).toSorted()).toEqual(['jobid', 'template']);
    expect(inner.template).toMatchObject({ id: templateId, name: 'one pool', zoneid: lab.zone.uuid });
    expect(lab.orchestration.asked).toEqual([
      {
        what: 'requestDeployment',
        args: [{ templateId, poolId: pools.local.id }, 'Deploy one pool to pool local'],
      },
    ]);
    const job = await lab.admin.ok('queryAsyncJobResult', { jobid: inner.jobid });
    expect(job).toEqual({
      jobid: inner.jobid,
      accountid: lab.admin.accountUuid,
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

  test('without a pool: every enabled one that a live, admitted host mounts', async () => {
    const { templateId } = await lab.template(lab.user);
    await prepare(templateId);
    expect(deployments().map(({ poolId }) => poolId)).toEqual([pools.local.id, pools.shared.id]);
  });

  test('an ISO too', async () => {
    const { templateId } = await lab.template(lab.user, { format: 'ISO', name: 'an iso' });
    const { inner } = await prepare(templateId, { storageid: pools.local.id });
    expect(inner.template).toMatchObject({ id: templateId, format: 'ISO' });
    expect((await lab.admin.ok('queryAsyncJobResult', { jobid: inner.jobid })).jobinstancetype).toBe('Iso');
  });

  test('200 callers: 200 jobs, and each asks for the same copy', async () => {
    const { templateId } = await lab.template(lab.user);
    const replies = await Promise.all(
      Array.from({ length: 200 }, () => prepare(templateId, { storageid: pools.shared.id })),
    );
    expect(new Set(replies.map(({ inner }) => inner.jobid as string)).size).toBe(200);
    expect(new Set(deployments().map((copy) => JSON.stringify(copy))).size).toBe(1);
    await lab.db
      .transaction()
      .execute((tx) =>
        settleCopy(tx, { templateId, poolId: pools.shared.id }, { code: 530, text: 'the reason' }),
      );
    const job = await lab.admin.ok('queryAsyncJobResult', { jobid: replies[199]?.inner.jobid });
    expect(job).toMatchObject({
      jobstatus: 2,
      jobresultcode: 530,
      jobresulttype: 'object',
      jobresult: { errorcode: 530, errortext: 'the reason' },
      completed: expect.any(String),
    });
  });

  test('the result of the job is what lies where', async () => {
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

  test('Temporal does not answer: the job is there, and is begun later', async () => {
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
    ['a disabled pool', { storageid: pools.disabled.id }, 431, "names pool 'disabled', which is Disabled"],
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
  ])('refused: %s', async (_what, changes, code, sentence) => {
    const { templateId } = await lab.template(lab.user);
    const before = await jobs();
    const { status, inner } = await prepare(templateId, changes);
    expect([status, inner.errorcode]).toEqual([code, code]);
    expect(inner.errortext).toContain(sentence);
    expect(lab.orchestration.asked).toEqual([]);
    expect(await jobs()).toEqual(before);
  });

  test('refused: a zone that it is not in, a pool of another zone, a zone without pools', async () => {
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

  test('refused: one that is being checked, or deleted', async () => {
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

describe('deleteTemplate and deleteIso', () => {
  test.each([
    ['deleteTemplate', 'QCOW2', 'Template'],
    ['deleteIso', 'ISO', 'Iso'],
  ] as const)('%s answers a job', async (command, format, instance) => {
    const { templateId } = await lab.template(lab.user, { format });
    const { body } = await lab.user.call(command, { id: templateId, forced: true });
    expect(body).toEqual({ [`${command.toLowerCase()}response`]: { jobid: expect.any(String) } });
    const { jobid } = body[`${command.toLowerCase()}response`];
    expect(lab.orchestration.asked).toEqual([
      {
        what: 'requestDeletion',
        args: [
          {
            v: 1,
            templateId,
            jobId: jobid,
            userId: lab.user.userUuid,
            accountId: lab.user.accountUuid,
          },
        ],
      },
    ]);
    const job = await lab.user.ok('queryAsyncJobResult', { jobid });
    expect(job).toMatchObject({
      cmd: command,
      jobstatus: 0,
      jobinstancetype: instance,
      jobinstanceid: templateId,
    });
    await completeJobsOf(lab.db, { uuid: templateId, cmds: [command] }, { result: { success: true } });
    expect(await lab.user.ok('queryAsyncJobResult', { jobid })).toMatchObject({
      jobstatus: 1,
      jobresult: { success: true },
    });
  });

  test('again while it runs: the same job; after that: there is no such template', async () => {
    const { templateId } = await lab.template(lab.user);
    const { jobid } = await lab.user.ok('deleteTemplate', { id: templateId });
    await lab.db
      .updateTable('vm_template')
      .set({ state: 'Inactive', removed: new Date() })
      .where('uuid', '=', templateId)
      .execute();
    expect(await lab.user.ok('deleteTemplate', { id: templateId })).toEqual({ jobid });
    expect(lab.orchestration.asked).toHaveLength(1);
    await completeJob(lab.db, jobid, { result: { success: true } });
    const { status, inner } = await lab.user.call('deleteTemplate', { id: templateId });
    expect([status, inner.errortext]).toEqual([431, expect.stringContaining('Invalid parameter id')]);
  });

  test("others may not: what they see is another's, what they don't see does not exist", async () => {
    const visible = await lab.template(lab.user, { isPublic: true });
    const hidden = await lab.template(lab.user);
    const seen = await lab.other.call('deleteTemplate', { id: visible.templateId });
    expect([seen.status, seen.inner.cserrorcode]).toEqual([531, 4365]);
    expect((await lab.other.call('deleteTemplate', { id: hidden.templateId })).status).toBe(431);
    expect(lab.orchestration.asked).toEqual([]);
    expect((await lab.admin.call('deleteTemplate', { id: hidden.templateId })).status).toBe(200);
  });

  test("an ISO's id is no template's, nor the other way round", async () => {
    const template = await lab.template(lab.user);
    const iso = await lab.template(lab.user, { format: 'ISO' });
    expect((await lab.user.call('deleteTemplate', { id: iso.templateId })).status).toBe(431);
    expect((await lab.user.call('deleteIso', { id: template.templateId })).status).toBe(431);
  });

  test('one that is being checked', async () => {
    const { templateId } = await lab.template(lab.user);
    await lab.db
      .updateTable('vm_template')
      .set({ state: 'NotUploaded' })
      .where('uuid', '=', templateId)
      .execute();
    const { status, inner } = await lab.user.call('deleteTemplate', { id: templateId });
    expect([status, inner.errortext]).toEqual([536, expect.stringContaining('is just being registered')]);
  });

  test('with its only zone; not out of one of several', async () => {
    const one = await lab.template(lab.user);
    const wrong = await lab.user.call('deleteTemplate', { id: one.templateId, zoneid: empty.uuid });
    expect([wrong.status, wrong.inner.errortext]).toEqual([431, expect.stringContaining('is not in')]);
    expect(
      (await lab.user.call('deleteTemplate', { id: one.templateId, zoneid: lab.zone.uuid })).status,
    ).toBe(200);
    const two = await lab.template(lab.user, { zoneIds: [lab.zone.uuid, empty.uuid] });
    const partly = await lab.user.call('deleteTemplate', { id: two.templateId, zoneid: empty.uuid });
    expect([partly.status, partly.inner.errortext]).toEqual([
      431,
      expect.stringContaining('leave zoneid out'),
    ]);
  });
});

describe('queryAsyncJobResult', () => {
  test('jobs are of their account, and of administrators', async () => {
    const { templateId } = await lab.template(lab.user);
    const { jobid } = await lab.user.ok('deleteTemplate', { id: templateId });
    expect((await lab.admin.call('queryAsyncJobResult', { jobid })).status).toBe(200);
    expect((await lab.other.call('queryAsyncJobResult', { jobid })).status).toBe(431);
  });
});

describe('cancelTemplateDeployment', () => {
  const cancel = (templateid: string, more: Parameters = {}) =>
    lab.admin.call('cancelTemplateDeployment', { templateid, storageid: pools.local.id, ...more });

  test('stops it, and keeps the bytes', async () => {
    const { templateId } = await lab.template(lab.user);
    const { inner } = await cancel(templateId);
    expect(inner).toEqual({
      success: true,
      displaytext: "The deployment of Template 'debian' on pool 'local' is being stopped",
    });
    expect(lab.orchestration.asked).toEqual([
      {
        what: 'requestStop',
        args: [
          { templateId, poolId: pools.local.id },
          { by: 'root', remove: false },
        ],
      },
    ]);
    const { event } = await lab.admin.ok('listEvents', { resourceid: templateId });
    expect(event[0]).toMatchObject({ type: 'TEMPLATE.DEPLOYMENT.CANCEL', username: 'root' });
  });

  test('with cleanup: removes what there is', async () => {
    const { templateId } = await lab.template(lab.user);
    await deploy(lab, { templateId, poolId: pools.local.id }, { host, pool: pools.local });
    lab.orchestration.running = false;
    expect((await cancel(templateId, { cleanup: true })).inner.success).toBe(true);
    expect(lab.orchestration.asked).toEqual([
      { what: 'requestRemoval', args: [{ templateId, poolId: pools.local.id }, 'root'] },
    ]);
  });

  test.each([false, true])('nothing runs (cleanup %s)', async (cleanup) => {
    const { templateId } = await lab.template(lab.user);
    lab.orchestration.running = false;
    const { status, inner } = await cancel(templateId, { cleanup });
    expect([status, inner.errortext]).toEqual([431, expect.stringContaining('nothing runs for it')]);
    expect(lab.orchestration.of('requestRemoval')).toEqual([]);
  });

  test('Temporal does not answer', async () => {
    const { templateId } = await lab.template(lab.user);
    lab.orchestration.failure = new ServiceError('no connection');
    const { status, inner } = await cancel(templateId);
    expect([status, inner.errortext]).toEqual([534, expect.stringContaining('Temporal does not answer')]);
  });
});

describe('listTemplateDeployments', () => {
  const list = async (parameters: Parameters, who: Caller = lab.admin): Promise<Json> =>
    (await who.ok('listTemplateDeployments', parameters)).templatedeployment ?? [];

  const started = '2026-03-01T12:00:00.000Z';
  const ended = '2026-03-01T12:00:30.000Z';
  const failedTry = {
    source: 'http://dead.example.org/a',
    startedAt: started,
    endedAt: ended,
    bytes: 5,
    failure: { kind: 'Stalled', message: 'sent nothing for 30 s' },
    note: 'the file changed',
  } as const;
  const goodTry = { source: 'http://images.example.org/a', startedAt: started, endedAt: ended, bytes: SIZE };

  test('one that is there', async () => {
    const { templateId } = await lab.template(lab.user, { name: 'there' });
    const copy = { templateId, poolId: pools.local.id };
    await deploy(lab, copy, { host, pool: pools.local, tries: [failedTry, goodTry] });
    const [entry] = await list({ templateid: templateId });
    expect(entry).toMatchObject({
      templateid: templateId,
      templatename: 'there',
      format: 'QCOW2',
      zoneid: lab.zone.uuid,
      zonename: 'zone1',
      storageid: pools.local.id,
      storagename: 'local',
      state: 'Ready',
      downloadstate: 'DOWNLOADED',
      percent: 100,
      bytes: SIZE,
      total: SIZE,
      hostid: host.hostId,
      hostname: 'kvm-1',
      source: goodTry.source,
      attemptcount: 1,
      workflowid: `copy:${templateId}:${pools.local.id}`,
      installpath: entry.id,
      localpath: `/pools/local/${entry.id}`,
      size: SIZE,
      physicalsize: SIZE / 2,
      sha256: 'ab'.repeat(32),
      created: expect.stringMatching(/\+0000$/),
      lastupdated: expect.stringMatching(/\+0000$/),
    });
    expect(entry.attempts).toEqual([
      {
        id: expect.any(String),
        hostid: host.hostId,
        hostname: 'kvm-1',
        source: failedTry.source,
        started: '2026-03-01T12:00:00+0000',
        ended: '2026-03-01T12:00:30+0000',
        bytes: 5,
        errorkind: 'Stalled',
        error: 'sent nothing for 30 s',
        note: 'the file changed',
      },
      expect.objectContaining({ source: goodTry.source, bytes: SIZE }),
    ]);
    expect(lab.orchestration.asked).toEqual([]);
  });

  test('one on its way: how far, from Temporal', async () => {
    const { templateId } = await lab.template(lab.user);
    const copy = { templateId, poolId: pools.local.id };
    await openCopy(lab.db, copy, 'workflow');
    const workflowId = `copy:${templateId}:${pools.local.id}`;
    lab.orchestration.copies.set(workflowId, {
      workflowId,
      runId: 'r',
      type: 'deployment',
      attempt: 3,
      hostId: host.hostId,
      progress: {
        v: 1,
        phase: 'downloading',
        bytes: SIZE / 4,
        total: SIZE,
        rate: 1234,
        source: 'http://images.example.org/a',
      },
    });
    const [entry] = await list({ templateid: templateId });
    expect(entry).toMatchObject({
      state: 'Creating',
      downloadstate: 'DOWNLOAD_IN_PROGRESS',
      percent: 25,
      bytes: SIZE / 4,
      total: SIZE,
      rate: 1234,
      phase: 'downloading',
      hostid: host.hostId,
      hostname: 'kvm-1',
      source: 'http://images.example.org/a',
      attemptcount: 3,
      attempts: [],
    });
    for (const absent of ['size', 'sha256', 'localpath', 'error', 'waitreason'])
      expect(entry).not.toHaveProperty(absent);
  });

  test('one that waits: why, and until when', async () => {
    const { templateId } = await lab.template(lab.user);
    await openCopy(lab.db, { templateId, poolId: pools.local.id }, 'workflow');
    const workflowId = `copy:${templateId}:${pools.local.id}`;
    lab.orchestration.copies.set(workflowId, {
      workflowId,
      runId: 'r',
      type: 'deployment',
      attempt: 0,
      wait: { v: 1, reason: 'no room: 5 needed, 3 free', until: '2026-03-01T12:00:00.000Z' },
    });
    const [entry] = await list({ templateid: templateId });
    expect(entry).toMatchObject({
      waitreason: 'no room: 5 needed, 3 free',
      nexttry: '2026-03-01T12:00:00+0000',
      total: SIZE,
      bytes: 0,
      percent: 0,
    });
  });

  test('Temporal does not answer: what the database knows', async () => {
    const { templateId } = await lab.template(lab.user);
    await openCopy(lab.db, { templateId, poolId: pools.local.id }, 'workflow');
    lab.orchestration.failure = new ServiceError('no connection');
    expect(await list({ templateid: templateId })).toEqual([expect.objectContaining({ state: 'Creating' })]);
  });

  test("users see their own templates', and nothing of hosts", async () => {
    const { templateId } = await lab.template(lab.user);
    await deploy(lab, { templateId, poolId: pools.local.id }, { host, pool: pools.local, tries: [goodTry] });
    const [entry] = await list({ templateid: templateId }, lab.user);
    expect(entry).toMatchObject({ state: 'Ready', storagename: 'local', sha256: 'ab'.repeat(32) });
    for (const absent of ['hostid', 'hostname', 'localpath', 'installpath'])
      expect(entry).not.toHaveProperty(absent);
    expect(entry.attempts[0]).not.toHaveProperty('hostname');
    expect((await lab.other.call('listTemplateDeployments', { templateid: templateId })).status).toBe(431);
    expect(await list({}, lab.other)).toEqual([]);
    const { templateId: open } = await lab.template(lab.user, { isPublic: true });
    await deploy(lab, { templateId: open, poolId: pools.local.id }, { host, pool: pools.local });
    expect(await list({ templateid: open }, lab.other)).toEqual([]);
  });

  test('conditions, paging, and 20 tries at most', async () => {
    const { templateId } = await lab.template(lab.user, { name: 'conditions' });
    const onPool = async (pool: PoolReport): Promise<void> =>
      deploy(lab, { templateId, poolId: pool.id }, { host, pool });
    await onPool(pools.local);
    await onPool(pools.shared);
    const copy = { templateId, poolId: pools.local.id };
    for (let n = 0; n < 25; n += 1) {
      const attempt = { attemptId: randomUUID(), hostId: host.hostId, hostName: host.name };
      await recordAttempt(lab.db, copy, { ...attempt, tries: [{ ...failedTry, bytes: n }] });
    }
    const names = async (parameters: Parameters): Promise<readonly string[]> =>
      (await list({ templateid: templateId, ...parameters })).map(
        ({ storagename }: Json) => storagename as string,
      );
    expect(await names({})).toEqual(['local', 'shared']);
    expect(await names({ storageid: pools.shared.id })).toEqual(['shared']);
    expect(await names({ zoneid: empty.uuid })).toEqual([]);
    expect(await names({ state: 'ready' })).toEqual(['local', 'shared']);
    expect(await names({ state: 'Failed' })).toEqual([]);
    expect(await names({ keyword: 'SHAR' })).toEqual(['shared']);
    expect(await names({ keyword: 'condit' })).toEqual(['local', 'shared']);
    const { inner } = await lab.admin.call('listTemplateDeployments', {
      templateid: templateId,
      page: 2,
      pagesize: 1,
    });
    expect([inner.count, inner.templatedeployment[0].storagename]).toEqual([2, 'shared']);
    const [local] = await list({ templateid: templateId, storageid: pools.local.id });
    expect(local.attempts.map(({ bytes }: Json) => bytes as number)).toEqual(
      Array.from({ length: 20 }, (_, n) => n + 5),
    );
    expect(local.attemptcount).toBe(25);
    expect(await names({ id: local.id })).toEqual(['local']);
    expect(await names({ id: randomUUID() })).toEqual([]);
    expect(await names({ id: 'nonsense' })).toEqual([]);
  });

  test('the number of queries does not grow with the rows', async () => {
    const count = async (): Promise<number> => {
      lab.queries();
      await list({});
      return lab.queries();
    };
    const few = await count();
    for (let n = 0; n < 20; n += 1) {
      const { templateId } = await lab.template(lab.user);
      await deploy(
        lab,
        { templateId, poolId: pools.local.id },
        { host, pool: pools.local, tries: [goodTry] },
      );
    }
    expect(await count()).toBe(few);
  });
});

test('a job of several copies fails when one of them does', async () => {
  const { templateId } = await lab.template(lab.admin);
  const copies = [pools.local, pools.shared].map(({ id }) => ({ templateId, poolId: id }));
  const jobid = await createJob(lab.db, {
    accountId: lab.admin.accountUuid,
    userId: lab.admin.userUuid,
    cmd: 'prepareTemplate',
    instanceType: 'Template',
    instanceUuid: templateId,
    copies,
  });
  const settle = (index: number, error?: { code: number; text: string }) =>
    lab.db.transaction().execute((tx) => settleCopy(tx, copies[index] ?? (copies[0] as never), error));
  await settle(0, { code: 533, text: 'no room' });
  expect((await lab.admin.ok('queryAsyncJobResult', { jobid })).jobstatus).toBe(0);
  await settle(1);
  expect(await lab.admin.ok('queryAsyncJobResult', { jobid })).toMatchObject({
    jobstatus: 2,
    jobresultcode: 533,
    jobresult: { errorcode: 533, errortext: 'no room' },
  });
});
