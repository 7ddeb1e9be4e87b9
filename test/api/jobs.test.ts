/** The progress of a job comes from the database alone: Temporal may be down, or have forgotten the workflow. */
import { randomUUID } from 'node:crypto';
import { createDeploymentJob } from '../../db/jobs/jobs.ts';
import type { JobError } from '../../db/jobs/jobs.ts';
import { addHost, openLab, poolReport } from '../labs/api.ts';
import type { Caller, Json, Lab } from '../labs/api.ts';
import { settle } from '../support/settle.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab.close());

test('a job shows status, progress and result while Temporal does not answer', async () => {
  const pools = [poolReport('one'), poolReport('two')];
  await addHost(lab, { name: 'host1', pools });
  const { templateId } = await lab.template(lab.user);
  const copies = pools.map(({ id }) => ({ templateId, poolId: id }));
  const { jobId: jobid } = await createDeploymentJob(lab.db, {
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
  const settleAt = (at: number, error?: { code: number; text: string }) =>
    settle(lab.db, copies[at] ?? { templateId, poolId: randomUUID() }, error);
  await settleAt(0);
  expect(await ask()).toMatchObject({ jobstatus: 0, jobprocstatus: 50 });
  await settleAt(1, { code: 530, text: 'every mirror is dead' });
  expect(await ask()).toMatchObject({
    jobstatus: 2,
    jobresultcode: 530,
    jobresult: { errorcode: 530, errortext: 'every mirror is dead' },
    completed: expect.any(String),
  });
  expect((await lab.user.ok('listAsyncJobs')).asyncjobs[0]).toMatchObject({ jobid, jobprocstatus: 100 });
  expect(lab.orchestration.asked).toEqual([]);
});

const host = { id: randomUUID(), name: 'kvm-7' };

/** Awaits one copy for each error. @returns what a caller reads of the job's result */
const failed = async (...errors: readonly JobError[]): Promise<(who: Caller) => Promise<Json>> => {
  const { templateId } = await lab.template(lab.user);
  const copies = errors.map(() => ({ templateId, poolId: randomUUID() }));
  const { jobId: jobid } = await createDeploymentJob(lab.db, {
    accountId: lab.user.accountUuid,
    userId: lab.user.userUuid,
    cmd: 'prepareTemplate',
    instanceType: 'Template',
    instanceUuid: templateId,
    copies,
  });
  for (const [at, error] of errors.entries()) {
    const copy = copies[at] ?? { templateId, poolId: '' };
    await settle(lab.db, copy, error);
  }
  return async (who) => (await who.ok('queryAsyncJobResult', { jobid })).jobresult;
};

describe('a failed job', () => {
  test('says as one word why, and what to do; only administrators see the host', async () => {
    const text = 'the host did not take the job';
    const result = await failed({ code: 534, text, kind: 'HostGone', host });
    const common = { errorcode: 534, errorkind: 'HostGone', advice: 'see whether the host worker runs' };
    expect(await result(lab.user)).toEqual({ ...common, errortext: text });
    expect(await result(lab.admin)).toEqual({
      ...common,
      errortext: `${text} (host kvm-7)`,
      hostid: host.id,
    });
  });

  test('that somebody cancelled says so', async () => {
    const result = await failed({ code: 530, text: 'cancelled by ann', kind: 'Cancelled' });
    expect(await result(lab.user)).toMatchObject({
      errorkind: 'Cancelled',
      advice: 'deploy it again if it is still wanted',
    });
  });

  test('of several copies has the kind of the first failure, and each reason once', async () => {
    const gone = { code: 534, text: 'the host did not take the job', kind: 'HostGone', host } as const;
    const full = { code: 533, text: 'no room', kind: 'NoSpace' } as const;
    const result = await failed(full, gone, { ...gone, host: { ...host, name: 'kvm-8' } }, full);
    const common = { errorcode: 533, errorkind: 'NoSpace', advice: 'free space on the pool' };
    expect(await result(lab.user)).toEqual({ ...common, errortext: `no room; ${gone.text}` });
    expect(await result(lab.admin)).toEqual({
      ...common,
      errortext: `no room; ${gone.text} (host kvm-7); ${gone.text} (host kvm-8)`,
    });
  });

  test('of a release that stored only code and sentence shows both', async () => {
    const result = await failed({ code: 530, text: 'the reason' });
    await lab.db
      .updateTable('async_job')
      .set({ job_result: JSON.stringify({ errorcode: 530, errortext: 'the reason' }) })
      .where('job_result', 'is not', null)
      .where('job_status', '=', 2)
      .execute();
    expect(await result(lab.admin)).toMatchObject({
      errorcode: 530,
      errortext: 'the reason',
      errorkind: 'InternalFault',
    });
  });
});
