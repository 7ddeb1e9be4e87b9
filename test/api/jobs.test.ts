/** A job tells how it goes by what is recorded of it: Temporal is not asked, so it need not remember. */
import { randomUUID } from 'node:crypto';
import { createJob, settleCopy } from '../../db/jobs.ts';
import { addHost, openLab, poolReport } from './lab.ts';
import type { Json, Lab } from './lab.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab.close());

test('status, progress and result of a job, while Temporal is away', async () => {
  const pools = [poolReport('one'), poolReport('two')];
  await addHost(lab, { name: 'host1', pools });
  const { templateId } = await lab.template(lab.user);
  const copies = pools.map(({ id }) => ({ templateId, poolId: id }));
  const jobid = await createJob(lab.db, {
    accountId: lab.user.accountUuid,
    userId: lab.user.userUuid,
    cmd: 'prepareTemplate',
    instanceType: 'Template',
    instanceUuid: templateId,
    copies,
  });
  lab.orchestration.failure = new Error('Temporal is away');
  const ask = (): Promise<Json> => lab.user.ok('queryAsyncJobResult', { jobid });
  expect(await ask()).toMatchObject({ jobid, jobstatus: 0, jobprocstatus: 0, jobinstanceid: templateId });
  const settle = (at: number, error?: { code: number; text: string }) =>
    lab.db
      .transaction()
      .execute((tx) => settleCopy(tx, copies[at] ?? { templateId, poolId: randomUUID() }, error));
  await settle(0);
  expect(await ask()).toMatchObject({ jobstatus: 0, jobprocstatus: 50 });
  await settle(1, { code: 530, text: 'every mirror is dead' });
  expect(await ask()).toMatchObject({
    jobstatus: 2,
    jobresultcode: 530,
    jobresult: { errorcode: 530, errortext: 'every mirror is dead' },
    completed: expect.any(String),
  });
  expect((await lab.user.ok('listAsyncJobs')).asyncjobs[0]).toMatchObject({ jobid, jobprocstatus: 100 });
  expect(lab.orchestration.asked).toEqual([]);
});
