/** Calls that wait for the end of a job. */
import { randomUUID } from 'node:crypto';
import { watchJobEnds } from '../../api/server/job-ends.ts';
import { completeJob, createJob } from '../../db/jobs/jobs.ts';
import { JOB_WAIT_SECONDS } from '../../model/states.ts';
import { openLab } from '../labs/api.ts';
import type { Json, Lab } from '../labs/api.ts';
import { refusal } from '../support/calls.ts';

const WHILE_IT_RUNS = 600_000;

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
const never = new AbortController().signal;

test('waiting calls are answered when their jobs end, and leave the turns of their user to others', async () => {
  const jobids = await Promise.all([newJob(), newJob()]);
  const answers: Json[] = [];
  // More than one user may have under way.
  const calls = Array.from({ length: 40 }, async (_none, at) => {
    const parameters = { jobid: jobids[at % 2] ?? '', wait: String(JOB_WAIT_SECONDS) };
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
  const wait = String(JOB_WAIT_SECONDS);
  expect(await lab.user.ok('queryAsyncJobResult', { jobid: ended, wait })).toMatchObject({ jobstatus: 1 });
  const [status] = await refusal(lab.other, 'queryAsyncJobResult', { jobid: foreign, wait });
  expect(status).toBe(431);
  expect(await lab.user.ok('queryAsyncJobResult', { jobid: foreign })).toMatchObject({ jobstatus: 0 });
});

test.each(['-1', '6', 'soon'])('wait=%s is refused', async (wait) => {
  const jobid = await newJob();
  const [, sentence] = await refusal(lab.user, 'queryAsyncJobResult', { jobid, wait });
  expect(sentence).toMatch(/wait is .*from 0 to 5/);
});

test('a wait ends with its time, with its caller, and with the api', async () => {
  const jobid = await newJob();
  const ends = watchJobEnds(lab.db);
  await ends.wait(jobid, 1, never);
  const gone = new AbortController();
  const left = ends.wait(jobid, WHILE_IT_RUNS, gone.signal);
  gone.abort();
  await left;
  const last = ends.wait(jobid, WHILE_IT_RUNS, never);
  ends.close();
  await last;
  await ends.wait(jobid, WHILE_IT_RUNS, never);
});

test('a wait ends for a job that is gone, and when the database cannot be asked', async () => {
  const ends = watchJobEnds(lab.db);
  await ends.wait(randomUUID(), WHILE_IT_RUNS, never);
  await ends.wait('no uuid', WHILE_IT_RUNS, never);
  const jobid = await newJob();
  const waiting = ends.wait(jobid, WHILE_IT_RUNS, never);
  await end(jobid);
  await waiting;
});
