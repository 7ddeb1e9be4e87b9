import { copyWorkflowId } from '../../model/names.ts';
import { completeJob, createJob } from '../../db/jobs.ts';
import { openControlLab } from '../support/control-lab.ts';
import type { ControlLab } from '../support/control-lab.ts';
import { endless } from '../support/scripted-host.ts';
import { until } from '../support/until.ts';

let lab: ControlLab;
beforeAll(async () => {
  lab = await openControlLab();
  await lab.startUpkeep();
});
afterAll(() => lab.close());

const newCopy = async (pool: string) => ({
  templateId: await lab.addTemplate(),
  poolId: lab.poolId(pool),
});

const lastSeen = async (hostId: string): Promise<Date> => {
  const host = lab.db.selectFrom('host').where('uuid', '=', hostId).select('last_seen');
  return (await host.executeTakeFirstOrThrow()).last_seen ?? new Date(0);
};

/** By PostgreSQL's clock, which `last_seen` is of. */
const age = async (hostId: string): Promise<number> => Date.now() - (await lastSeen(hostId)).getTime();

test('a host is Up as long as its workers give signs of life, and no longer', async () => {
  const host = await lab.addHost({ name: 'living' });
  const dead = await lab.addHost({ name: 'dead', dead: true });
  await host.setUp(false);
  await dead.setUp(false);
  await until('it is seen', async () => (await age(host.hostId)) < 30_000);
  expect(await age(dead.hostId)).toBeGreaterThan(1_000_000);
  await host.stop();
  // What is still listed for minutes does not move any more.
  await until('it is not seen any more', async () => {
    const before = await lastSeen(host.hostId);
    await until('three looks', async () => (await age(host.hostId)) > 3000);
    return (await lastSeen(host.hostId)).getTime() === before.getTime();
  });
});

test('hosts are asked for their reports', async () => {
  const host = await lab.addHost({ name: 'reporting' });
  host.setFree(777);
  await until('the pool has the new number', async () => {
    const pool = lab.db.selectFrom('storage_pool').where('uuid', '=', lab.poolId('reporting'));
    return (await pool.select('free_bytes').executeTakeFirstOrThrow()).free_bytes === 777;
  });
});

test('jobs that have been over for long are forgotten', async () => {
  const { accountId, userId } = lab;
  const about = { cmd: 'createTags', instanceType: 'Template', instanceUuid: await lab.addTemplate() };
  const jobId = await createJob(lab.db, { accountId, userId, ...about });
  await completeJob(lab.db, jobId, { result: { success: true } });
  await lab.db
    .updateTable('async_job')
    .set({ completed: new Date(Date.now() - 2 * 24 * 3_600_000) })
    .where('uuid', '=', jobId)
    .execute();
  await until('it is gone', async () => {
    const found = await lab.db.selectFrom('async_job').where('uuid', '=', jobId).select('id').execute();
    return found.length === 0;
  });
});

test('a job whose request never reached Temporal is seen to', async () => {
  await lab.addHost({ name: 'forgotten' });
  const copy = await newCopy('forgotten');
  const { accountId, userId } = lab;
  const about = { cmd: 'prepareTemplate', instanceType: 'Template', instanceUuid: copy.templateId };
  const jobId = await createJob(lab.db, { accountId, userId, ...about, copies: [copy] });
  expect((await lab.finished(jobId)).job_status).toBe(1);
});

test('so is a deletion', async () => {
  const templateId = await lab.addTemplate();
  const { accountId, userId } = lab;
  const about = { cmd: 'deleteTemplate', instanceType: 'Template', instanceUuid: templateId };
  const jobId = await createJob(lab.db, { accountId, userId, ...about });
  expect((await lab.finished(jobId)).job_status).toBe(1);
});

test('a deployment that was terminated in Temporal goes on for those who wait', async () => {
  const script = endless();
  const host = await lab.addHost({ name: 'killed', script });
  const copy = await newCopy('killed');
  const jobId = await lab.prepare(copy);
  await script.begun;
  await lab.workflow(copy).terminate('by hand');
  await until('another download begins', () => host.jobs.length > 1);
  await lab.orchestration.requestStop(copy, { by: 'the test', remove: false });
  expect((await lab.finished(jobId)).job_status).toBe(2);
});

test('where nobody waits, its row tells what happened', async () => {
  const script = endless();
  await lab.addHost({ name: 'unloved', script });
  const copy = await newCopy('unloved');
  await lab.orchestration.requestDeployment(copy);
  await script.begun;
  await lab.workflow(copy).terminate('by hand');
  const row = await until('the row is failed', async () => {
    const found = await lab.copy(copy);
    return found?.state === 'Failed' ? found : undefined;
  });
  expect(row.error_str).toBe('Its workflow was ended in Temporal');
  const events = await lab.db
    .selectFrom('event')
    .where('workflow_id', '=', copyWorkflowId(copy.templateId, copy.poolId))
    .select('type')
    .execute();
  expect(events).toContainEqual({ type: 'TEMPLATE.DIRECT.DOWNLOAD.FAILURE' });
});

test('there is one upkeep, however many ask for it', async () => {
  await Promise.all(Array.from({ length: 5 }, () => lab.orchestration.ensureUpkeep()));
  expect(await lab.orchestration.isRunning('upkeep')).toBe(true);
});
