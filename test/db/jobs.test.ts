import { randomUUID } from 'node:crypto';
import { PROTOCOLS } from '../../images/fetch/protocols/registry.ts';
import {
  completeJob,
  completeLeftOver,
  completeSettled,
  createDeploymentJob,
  createJob,
  pendingCopies,
  pendingDeletions,
  settleCopy,
} from '../../db/jobs/jobs.ts';
import type { CopyUuids, JobError } from '../../db/jobs/jobs.ts';
import { openCopy } from '../../db/copies/copies.ts';
import { confirmCopy } from '../../db/copies/outcomes.ts';
import { openDbLab } from '../labs/db.ts';
import type { DbLab } from '../labs/db.ts';
import { settle } from '../support/settle.ts';

let lab: DbLab;
beforeAll(async () => {
  lab = await openDbLab();
});
afterAll(() => lab.close());

async function newCopies(count: number): Promise<readonly CopyUuids[]> {
  const template = await lab.addTemplate();
  const host = await lab.addHost();
  return Promise.all(
    Array.from({ length: count }, async (_none, index) => {
      const { id } = await lab.addPool(host.uuid, { name: `pool-${index}` });
      return { templateId: template.uuid, poolId: id };
    }),
  );
}

const newJob = (copies: readonly CopyUuids[]) =>
  createDeploymentJob(lab.db, {
    accountId: lab.account.uuid,
    userId: lab.user.uuid,
    cmd: 'prepareTemplate',
    instanceType: 'Template',
    instanceUuid: copies[0]?.templateId ?? '',
    copies,
  });

const job = (uuid: string) =>
  lab.db.selectFrom('async_job').where('uuid', '=', uuid).selectAll().executeTakeFirstOrThrow();

const settleOne = (copy: CopyUuids, error?: JobError) => settle(lab.db, copy, error);

test('a job is done when all its copies are, and its result says where they are', async () => {
  const copies = await newCopies(2);
  const [one, two] = copies as [CopyUuids, CopyUuids];
  for (const copy of copies) await openCopy(lab.db, copy, 'w', PROTOCOLS);
  const { jobId: id } = await newJob(copies);
  await settleOne(one);
  expect((await job(id)).job_status).toBe(0);
  await settleOne(two);
  await settleOne(two);
  expect(await job(id)).toMatchObject({
    job_status: 1,
    job_result_code: 0,
    job_result: {
      success: true,
      templatedeployment: [
        { storagename: 'pool-0', templatename: 'debian' },
        { storagename: 'pool-1', templatename: 'debian' },
      ],
    },
  });
});

test('one failed copy fails the job, with its error text', async () => {
  const copies = await newCopies(2);
  const [one, two] = copies as [CopyUuids, CopyUuids];
  const { jobId: id } = await newJob(copies);
  await settleOne(one, { code: 533, text: 'no room' });
  await settleOne(two);
  expect(await job(id)).toMatchObject({
    job_status: 2,
    job_result_code: 533,
    job_result: { errorcode: 533, errortext: 'no room' },
  });
});

test('copies that settle at once do not leave the job to each other', async () => {
  const copies = await newCopies(8);
  const ids = await Promise.all(Array.from({ length: 5 }, () => newJob(copies)));
  await Promise.all(copies.map((copy) => settleOne(copy)));
  for (const { jobId } of ids) expect((await job(jobId)).job_status).toBe(1);
});

test('copies of one job do not wait for each other: one settles while the other is about to', async () => {
  const copies = await newCopies(2);
  const [one, two] = copies as [CopyUuids, CopyUuids];
  const { jobId } = await newJob(copies);
  const held = await lab.db.transaction().execute(async (tx) => {
    const jobs = await settleCopy(tx, one);
    await settleOne(two);
    expect((await job(jobId)).job_status).toBe(0);
    return jobs;
  });
  await completeSettled(lab.db, held);
  expect((await job(jobId)).job_status).toBe(1);
});

test('a job whose last copy was settled by a step that was killed ends when the step is done again', async () => {
  const [copy] = (await newCopies(1)) as [CopyUuids];
  await openCopy(lab.db, copy, 'w', PROTOCOLS);
  const { jobId } = await newJob([copy]);
  await lab.db.transaction().execute((tx) => settleCopy(tx, copy));
  expect((await job(jobId)).job_status).toBe(0);
  await confirmCopy(lab.db, { copy, outcomeId: randomUUID(), workflowId: 'w' });
  expect((await job(jobId)).job_status).toBe(1);
});

test('upkeep ends jobs whose copies are all settled, and no others', async () => {
  const copies = await newCopies(2);
  const [one, two] = copies as [CopyUuids, CopyUuids];
  const [left, waiting] = [await newJob([one]), await newJob(copies)];
  const other = await createJob(lab.db, {
    accountId: lab.account.uuid,
    userId: lab.user.uuid,
    cmd: 'deleteIso',
    instanceType: 'Iso',
    instanceUuid: one.templateId,
  });
  await lab.db.transaction().execute((tx) => settleCopy(tx, one));
  expect(await completeLeftOver(lab.db, 3600, 10)).toBe(0);
  expect(await completeLeftOver(lab.db, 0, 10)).toBe(1);
  expect((await job(left.jobId)).job_status).toBe(1);
  expect((await job(waiting.jobId)).job_status).toBe(0);
  expect((await job(other)).job_status).toBe(0);
  await settleOne(two);
  await completeJob(lab.db, other, { result: { success: true } });
});

test('pending copies are found once they have waited long enough', async () => {
  const copies = await newCopies(1);
  await newJob(copies);
  await newJob(copies);
  expect(await pendingCopies(lab.db, 0, 10)).toEqual(copies.map((copy) => ({ ...copy, isRolledOut: false })));
  expect(await pendingCopies(lab.db, 60, 10)).toEqual([]);
});

test('a pending deletion is found with the user who requested it', async () => {
  const { uuid } = await lab.addTemplate();
  const [accountId, userId] = [lab.account.uuid, lab.user.uuid];
  const about = { cmd: 'deleteIso', instanceType: 'Iso', instanceUuid: uuid };
  const jobId = await createJob(lab.db, { accountId, userId, ...about });
  expect(await pendingDeletions(lab.db, 0, 10)).toEqual([{ jobId, templateId: uuid, accountId, userId }]);
  await completeJob(lab.db, jobId, { result: { success: true } });
  await completeJob(lab.db, jobId, { error: { code: 530, text: 'too late' } });
  expect(await job(jobId)).toMatchObject({ job_status: 1, job_result: { success: true } });
  expect(await pendingDeletions(lab.db, 0, 10)).toEqual([]);
});
