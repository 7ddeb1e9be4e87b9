import { randomUUID } from 'node:crypto';
import { createJob } from '../../db/jobs/jobs.ts';
import { removeHost } from '../../db/hosts/hosts.ts';
import type { CertificateOutcome } from '../../model/certificate-jobs.ts';
import { certificateWorkflowId } from '../../model/names.ts';
import { openControlLab } from '../labs/control.ts';
import type { ControlLab } from '../labs/control.ts';
import { isFullRun } from '../support/programs.ts';
import { endless } from '../support/scripted-host.ts';
import { until } from '../support/until.ts';

/** Fewer slots for activities than copies that are removed at once. */
const SLOTS = 3;
let lab: ControlLab;
beforeAll(async () => {
  lab = await openControlLab({ activitySlots: SLOTS });
});
afterAll(() => lab.close());

/** As the API does it. */
async function requestDeletion(templateId: string): Promise<string> {
  const { userId, accountId } = lab;
  const about = { cmd: 'deleteTemplate', instanceType: 'Template', instanceUuid: templateId };
  const jobId = await createJob(lab.db, { accountId, userId, ...about });
  await lab.orchestration.requestDeletion({ v: 1, templateId, jobId, userId, accountId });
  return jobId;
}

const template = (uuid: string) =>
  lab.db.selectFrom('vm_template').where('uuid', '=', uuid).selectAll().executeTakeFirstOrThrow();

const events = async (uuid: string): Promise<readonly string[]> => {
  const rows = await lab.db.selectFrom('event').where('resource_uuid', '=', uuid).select('type').execute();
  return rows.map(({ type }) => type).toSorted();
};

test("a deleted template's copies are each removed by a host", async () => {
  await lab.addHost({ name: 'one' });
  await lab.addHost({ name: 'two' });
  const templateId = await lab.addTemplate();
  const copies = ['one', 'two'].map((pool) => ({ templateId, poolId: lab.poolId(pool) }));
  for (const copy of copies) await lab.finished(await lab.prepare(copy));
  const job = await lab.finished(await requestDeletion(templateId));
  expect(job).toMatchObject({ job_status: 1, job_result: { success: true } });
  for (const copy of copies) expect(await lab.copy(copy)).toBeUndefined();
  const { name } = await template(templateId);
  for (const [at, copy] of copies.entries()) {
    const summary = await (await lab.workflow(copy).describe()).staticSummary();
    expect(summary).toBe(`Remove ${name} from pool ${['one', 'two'][at]}`);
  }
  const row = await template(templateId);
  expect(row.state).toBe('Inactive');
  expect(row.removed).toBeInstanceOf(Date);
  const refs = await lab.db
    .selectFrom('template_zone_ref')
    .where('template_id', '=', row.id)
    .selectAll()
    .execute();
  expect(refs).toEqual([]);
  expect(await events(templateId)).toEqual([
    'TEMPLATE.DELETE',
    'TEMPLATE.DIRECT.DOWNLOAD',
    'TEMPLATE.DIRECT.DOWNLOAD',
    'TEMPLATE.POOL.REMOVE',
    'TEMPLATE.POOL.REMOVE',
  ]);
});

test('the deletion of a template ends its download first', async () => {
  const script = endless();
  await lab.addHost({ name: 'loading', script });
  const templateId = await lab.addTemplate();
  const copy = { templateId, poolId: lab.poolId('loading') };
  const deploying = await lab.prepare(copy);
  await script.begun;
  const deleting = await requestDeletion(templateId);
  expect(await lab.finished(deploying)).toMatchObject({
    job_status: 2,
    job_result: { errortext: 'The copy was removed by the deletion of debian' },
  });
  expect((await lab.finished(deleting)).job_status).toBe(1);
  expect(await lab.copy(copy)).toBeUndefined();
});

test('a template that is being deleted cannot be deployed, and every caller gets an answer', async () => {
  const host = await lab.addHost({ name: 'slow' });
  const templateId = await lab.addTemplate();
  const copy = { templateId, poolId: lab.poolId('slow') };
  await lab.finished(await lab.prepare(copy));
  await host.setUp(false);
  const jobs = [await requestDeletion(templateId)];
  await lab.waiting(copy, /slow is Down/);
  jobs.push(await requestDeletion(templateId));
  const deploying = await lab.prepare(copy);
  await host.setUp(true);
  for (const id of jobs) expect((await lab.finished(id)).job_status).toBe(1);
  expect(await lab.finished(deploying)).toMatchObject({
    job_status: 2,
    job_result: { errortext: 'Template debian was deleted' },
  });
  // Once more, when all is over.
  expect((await lab.finished(await requestDeletion(templateId))).job_status).toBe(1);
});

test('the removal of a host that never comes back ends the deletion that waits for it', async () => {
  const host = await lab.addHost({ name: 'lost' });
  const templateId = await lab.addTemplate();
  const copy = { templateId, poolId: lab.poolId('lost') };
  await lab.finished(await lab.prepare(copy));
  await host.setUp(false);
  const deleting = await requestDeletion(templateId);
  await lab.waiting(copy, /lost is Down/);
  expect(await removeHost(lab.db, host.hostId)).toMatchObject({ pools: ['lost'] });
  expect((await lab.finished(deleting)).job_status).toBe(1);
});

if (isFullRun)
  test('a removal that is terminated in Temporal is requested again', async () => {
    const host = await lab.addHost({ name: 'stubborn' });
    const templateId = await lab.addTemplate();
    const copy = { templateId, poolId: lab.poolId('stubborn') };
    await lab.finished(await lab.prepare(copy));
    await host.setUp(false);
    const deleting = await requestDeletion(templateId);
    await lab.waiting(copy, /Down/);
    const { runId } = await lab.workflow(copy).describe();
    await lab.workflow(copy).terminate('by hand');
    await until('another removal runs', async () => {
      const { status, runId: now } = await lab.workflow(copy).describe();
      return status.name === 'RUNNING' && now !== runId;
    });
    await host.setUp(true);
    expect((await lab.finished(deleting)).job_status).toBe(1);
  });

describe('with fewer slots for activities than copies', () => {
  test('templates on several pools that are deleted at the same time are all deleted', async () => {
    const pools = isFullRun ? ['a', 'b', 'c', 'd'] : ['a', 'b'];
    await Promise.all(pools.map((name) => lab.addHost({ name })));
    const templates = await Promise.all(Array.from({ length: SLOTS + 2 }, () => lab.addTemplate()));
    const jobs = await Promise.all(
      templates.flatMap((templateId) =>
        pools.map((pool) => lab.prepare({ templateId, poolId: lab.poolId(pool) })),
      ),
    );
    for (const job of jobs) expect((await lab.finished(job)).job_status).toBe(1);
    const deletions = await Promise.all(templates.map((templateId) => requestDeletion(templateId)));
    for (const job of deletions) expect((await lab.finished(job)).job_status).toBe(1);
    expect(await lab.db.selectFrom('template_spool_ref').selectAll().execute()).toEqual([]);
  });

  test('a certificate is brought to more hosts than there are slots', async () => {
    const hosts = await Promise.all(['e', 'f', 'g', 'h'].map((name) => lab.addHost({ name })));
    const hostIds = hosts.map(({ hostId }) => hostId);
    const certificateId = randomUUID();
    await lab.orchestration.syncCertificate({ certificateId, alias: 'mirror' }, hostIds, 60_000);
    const workflow = lab.temporal.client.workflow.getHandle(certificateWorkflowId(certificateId));
    const { hosts: done } = (await workflow.result()) as CertificateOutcome;
    expect(done.map(({ hostId }) => hostId).toSorted()).toEqual(hostIds.toSorted());
    expect(done.filter(({ problem }) => problem !== undefined)).toEqual([]);
  });
});
