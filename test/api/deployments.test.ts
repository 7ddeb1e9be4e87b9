import { PROTOCOLS } from '../../images/fetch/protocols/registry.ts';
import { randomUUID } from 'node:crypto';
import { ServiceError } from '@temporalio/client';
import { openCopy } from '../../db/copies/copies.ts';
import { cancelCopy, recordAttempt } from '../../db/copies/outcomes.ts';
import { recordPoolReports } from '../../db/pools/pools.ts';
import { createZone } from '../../db/zones/zones.ts';
import type { Place } from '../../db/zones/zones.ts';
import type { PoolReport } from '../../model/payloads.ts';
import { addHost, deploy, openLab, poolReport, SIZE } from '../labs/api.ts';
import type { Caller, Json, Lab, Parameters, TestHost } from '../labs/api.ts';

const ATTEMPT = '00000000-0000-4000-8000-00000000000a';

let lab: Lab;
let host: TestHost;
let empty: Place;
const pools = {
  local: poolReport('local'),
  shared: poolReport('shared', { scope: 'CLUSTER', type: 'SharedMountPoint' }),
};

beforeAll(async () => {
  lab = await openLab();
  host = await addHost(lab, { name: 'kvm-1', pools: [pools.local, pools.shared] });
  empty = await createZone(lab.db, { name: 'empty' });
});
afterEach(() => lab.orchestration.forget());
afterAll(() => lab.close());

const cancel = (templateid: string, more: Parameters = {}) =>
  lab.admin.call('cancelTemplateDeployment', { templateid, storageid: pools.local.id, ...more });

const list = async (parameters: Parameters, who: Caller = lab.admin): Promise<Json> =>
  (await who.ok('listTemplateDeployments', parameters)).templatedeployment ?? [];

/** The number of database queries that one list takes. */
async function queriesOf(): Promise<number> {
  lab.queries();
  await list({});
  return lab.queries();
}

describe('cancelTemplateDeployment', () => {
  test('stops a deployment, and keeps the bytes', async () => {
    const { templateId } = await lab.template(lab.user);
    const { inner } = await cancel(templateId);
    expect(inner).toEqual({
      success: true,
      displaytext: "The deployment of template 'debian' on pool 'local' is being stopped",
    });
    expect(lab.orchestration.asked).toEqual([
      {
        what: 'requestStop',
        args: [
          { templateId, poolId: pools.local.id },
          { by: 'root', remove: false, at: expect.any(String) as string },
        ],
      },
    ]);
    const { event } = await lab.admin.ok('listEvents', { resourceid: templateId });
    expect(event[0]).toMatchObject({ type: 'TEMPLATE.DEPLOYMENT.CANCEL', username: 'root' });
  });

  test('removes the bytes or the copy with cleanup', async () => {
    const { templateId } = await lab.template(lab.user);
    await deploy(lab, { templateId, poolId: pools.local.id }, { host, pool: pools.local });
    lab.orchestration.running = false;
    expect((await cancel(templateId, { cleanup: true })).inner.success).toBe(true);
    expect(lab.orchestration.asked).toEqual([
      { what: 'requestRemoval', args: [{ templateId, poolId: pools.local.id }, 'root'] },
    ]);
  });

  test.each([false, true])('refuses a deployment that is not under way (cleanup %s)', async (cleanup) => {
    const { templateId } = await lab.template(lab.user);
    lab.orchestration.running = false;
    const { status, inner } = await cancel(templateId, { cleanup });
    expect([status, inner.errortext]).toEqual([431, expect.stringContaining('nothing runs for it')]);
    expect(lab.orchestration.of('requestRemoval')).toEqual([]);
  });

  test('answers 534 when Temporal does not answer', async () => {
    const { templateId } = await lab.template(lab.user);
    lab.orchestration.failure = new ServiceError('no connection');
    const { status, inner } = await cancel(templateId);
    expect([status, inner.errortext]).toEqual([534, expect.stringContaining('Temporal does not answer')]);
  });
});

describe('listTemplateDeployments', () => {
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

  test('shows a finished deployment', async () => {
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
        advice: 'try again later, or give another mirror',
        error: 'sent nothing for 30 s',
        note: 'the file changed',
      },
      expect.objectContaining({ source: goodTry.source, bytes: SIZE }),
    ]);
    expect(lab.orchestration.asked).toEqual([]);
  });

  test('shows the findings of inspections, of its file and of a refused one', async () => {
    const { templateId } = await lab.template(lab.user);
    const copy = { templateId, poolId: pools.local.id };
    const evidence = { looked: 'file', fileSize: 5, found: ['raw'], filesystem: 'ext4' } as const;
    const page = { looked: 'head', fileSize: 0, found: ['html'] } as const;
    const tries = [{ ...failedTry, evidence: page }, goodTry];
    await deploy(lab, copy, { host, pool: pools.local, tries, evidence });
    const [entry] = await list({ templateid: templateId });
    expect(entry.inspection).toEqual({
      verdict: 'accepted',
      looked: 'file',
      filesize: 5,
      found: ['raw'],
      filesystem: 'ext4',
    });
    expect(entry.attempts[0].inspection).toEqual({
      verdict: 'refused',
      looked: 'head',
      filesize: 0,
      found: ['html'],
    });
    expect(entry.attempts[1]).not.toHaveProperty('inspection');
  });

  test('shows the progress and tries of a running deployment, from Temporal', async () => {
    const { templateId } = await lab.template(lab.user);
    const copy = { templateId, poolId: pools.local.id };
    await openCopy(lab.db, copy, 'workflow', PROTOCOLS);
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
        attempt: {
          id: ATTEMPT,
          incarnation: 'x',
          tries: [
            {
              source: 'http://mirror.example.org/a',
              startedAt: '2026-03-01T12:00:00.000Z',
              endedAt: '2026-03-01T12:01:00.000Z',
              bytes: 5,
              failure: { kind: 'Stalled', message: 'sent nothing for 60 s' },
            },
          ],
        },
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
      attempts: [
        {
          id: ATTEMPT,
          hostname: 'kvm-1',
          source: 'http://mirror.example.org/a',
          started: '2026-03-01T12:00:00+0000',
          bytes: 5,
          errorkind: 'Stalled',
          error: 'sent nothing for 60 s',
        },
      ],
    });
    for (const absent of ['size', 'sha256', 'localpath', 'error', 'waitreason'])
      expect(entry).not.toHaveProperty(absent);
  });

  test('shows why and until when a deployment waits', async () => {
    const { templateId } = await lab.template(lab.user);
    await openCopy(lab.db, { templateId, poolId: pools.local.id }, 'workflow', PROTOCOLS);
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

  test('shows the kept bytes of a cancelled deployment, and their percentage', async () => {
    const { templateId } = await lab.template(lab.user);
    const copy = { templateId, poolId: pools.local.id };
    const { copyId } = await openCopy(lab.db, copy, 'workflow', PROTOCOLS);
    const parts = { [copyId]: SIZE / 4 };
    await recordPoolReports(lab.db, host.hostId, [{ ...pools.local, parts }]);
    await cancelCopy(lab.db, { copy, outcomeId: 'cancelled', workflowId: 'workflow' }, 'ann');
    const [entry] = await list({ templateid: templateId });
    expect(entry).toMatchObject({
      state: 'Allocated',
      bytes: SIZE / 4,
      total: SIZE,
      percent: 25,
      cancelledby: 'ann',
    });
  });

  test('shows the state in the database when Temporal does not answer', async () => {
    const { templateId } = await lab.template(lab.user);
    await openCopy(lab.db, { templateId, poolId: pools.local.id }, 'workflow', PROTOCOLS);
    lab.orchestration.failure = new ServiceError('no connection');
    expect(await list({ templateid: templateId })).toEqual([expect.objectContaining({ state: 'Creating' })]);
  });

  test('shows users the deployments of their own templates, and nothing of hosts', async () => {
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

  test('filters, pages, and shows at most 20 tries', async () => {
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

  test('needs a number of queries that does not grow with the rows', async () => {
    const few = await queriesOf();
    for (let n = 0; n < 20; n += 1) {
      const { templateId } = await lab.template(lab.user);
      await deploy(
        lab,
        { templateId, poolId: pools.local.id },
        { host, pool: pools.local, tries: [goodTry] },
      );
    }
    expect(await queriesOf()).toBe(few);
  });
});
