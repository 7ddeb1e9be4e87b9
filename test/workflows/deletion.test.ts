import { createJob } from '../../db/jobs.ts';
import { removeHost } from '../../db/hosts.ts';
import { openControlLab } from '../support/control-lab.ts';
import type { ControlLab } from '../support/control-lab.ts';
import { endless } from '../support/scripted-host.ts';
import { until } from '../support/until.ts';

let lab: ControlLab;
beforeAll(async () => {
  lab = await openControlLab();
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

test('a template goes with its copies, each removed by a host', async () => {
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
    const told = await (await lab.workflow(copy).describe()).staticSummary();
    expect(told).toBe(`Remove ${name} from pool ${['one', 'two'][at]}`);
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

test('a template that is just being downloaded: the download ends first', async () => {
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

test('what is being deleted cannot be deployed, and every caller is answered', async () => {
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

test('a host that never comes back is removed, and with it what waits for it', async () => {
  const host = await lab.addHost({ name: 'lost' });
  const templateId = await lab.addTemplate();
  const copy = { templateId, poolId: lab.poolId('lost') };
  await lab.finished(await lab.prepare(copy));
  await host.setUp(false);
  const deleting = await requestDeletion(templateId);
  await lab.waiting(copy, /lost is Down/);
  expect(await removeHost(lab.db, host.hostId)).toEqual(['lost']);
  expect((await lab.finished(deleting)).job_status).toBe(1);
});

test('a removal that is ended in Temporal is asked for again', async () => {
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
