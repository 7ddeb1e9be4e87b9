/** Calls that wait for the end of a job. */
import { randomUUID } from 'node:crypto';
import { watchJobEnds } from '../../api/server/job-ends.ts';
import type { JobEnds } from '../../api/server/job-ends.ts';
import { completeJob, createJob } from '../../db/jobs/jobs.ts';
import { JOB_WAIT_SECONDS } from '../../model/states.ts';
import { openLab } from '../labs/api.ts';
import type { Json, Lab } from '../labs/api.ts';
import { refusal } from '../support/calls.ts';

const WHILE_IT_RUNS = 600_000;
const LONGEST = String(JOB_WAIT_SECONDS);

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab.close());

const newJob = (): Promise<string> =>
  createJob(lab.db, {
    accountId: lab.user.accountUuid,
    userId: lab.user.userUuid,
    cmd: 'deployVirtualMachine',
    instanceType: 'VirtualMachine',
    instanceUuid: randomUUID(),
  });
const end = (jobid: string): Promise<void> => completeJob(lab.db, jobid, { result: { success: true } });
const wait = (
  ends: JobEnds,
  jobId: string,
  {
    accountId = 1,
    ms = WHILE_IT_RUNS,
    signal = new AbortController().signal,
  }: { accountId?: number; ms?: number; signal?: AbortSignal } = {},
): Promise<void> => ends.wait({ jobId, accountId, ms }, signal);

test('waiting calls are answered when their jobs end, and leave the turns of their user to others', async () => {
  const jobids = await Promise.all([newJob(), newJob()]);
  const answers: Json[] = [];
  // More than one user may have under way.
  const calls = Array.from({ length: 40 }, async (_none, at) => {
    const parameters = { jobid: jobids[at % 2] ?? '', wait: LONGEST };
    answers.push(await lab.user.ok('queryAsyncJobResult', parameters));
  });
  await lab.user.ok('listZones');
  expect(answers).toEqual([]);
  await Promise.all(jobids.map(end));
  await Promise.all(calls);
  expect(answers.map(({ jobstatus }) => jobstatus)).toEqual(calls.map(() => 1));
});

test('a call is answered at once for a job that has ended, or that its caller does not see', async () => {
  const [ended, foreign] = await Promise.all([newJob(), newJob()]);
  await end(ended);
  expect(await lab.user.ok('queryAsyncJobResult', { jobid: ended, wait: LONGEST })).toMatchObject({
    jobstatus: 1,
  });
  const [status] = await refusal(lab.other, 'queryAsyncJobResult', { jobid: foreign, wait: LONGEST });
  expect(status).toBe(431);
  expect(await lab.user.ok('queryAsyncJobResult', { jobid: foreign })).toMatchObject({ jobstatus: 0 });
});

test.each(['-1', '6', 'soon'])('wait=%s is refused', async (given) => {
  const jobid = await newJob();
  const [, sentence] = await refusal(lab.user, 'queryAsyncJobResult', { jobid, wait: given });
  expect(sentence).toMatch(/wait is .*from 0 to 5/);
});

test('a wait ends with its time, with its caller, and with the api', async () => {
  const jobid = await newJob();
  const ends = watchJobEnds(lab.db);
  await wait(ends, jobid, { ms: 1 });
  const gone = new AbortController();
  const left = wait(ends, jobid, { signal: gone.signal });
  gone.abort();
  await left;
  const last = wait(ends, jobid);
  ends.close();
  await last;
  await wait(ends, jobid);
});

test('an account whose calls wait very often leaves places to others', async () => {
  const jobid = await newJob();
  const ends = watchJobEnds(lab.db);
  const answered: number[] = [];
  const calls = [...Array.from({ length: 3000 }, () => 1), 2].map(async (accountId) => {
    await wait(ends, jobid, { accountId });
    answered.push(accountId);
  });
  // Those without a place are answered at once.
  await lab.user.ok('listZones');
  expect(answered).toContain(1);
  expect(answered).not.toContain(2);
  expect(answered.length).toBeLessThan(calls.length - 1);
  await end(jobid);
  await Promise.all(calls);
});

test('a wait ends for a job that is gone, and when the database cannot be asked', async () => {
  const ends = watchJobEnds(lab.db);
  await wait(ends, randomUUID());
  await wait(ends, 'no uuid');
  const jobid = await newJob();
  const waiting = wait(ends, jobid);
  await end(jobid);
  await waiting;
});
