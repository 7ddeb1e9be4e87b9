import { Context } from '@temporalio/activity';
import { sql } from 'kysely';
import { copyWorkflowId, UPKEEP_WORKFLOW_ID } from '../../model/names.ts';
import { completeJob, createDeploymentJob, createJob } from '../../db/jobs/jobs.ts';
import { removeHost } from '../../db/hosts/hosts.ts';
import { openControlLab, QUICK_TIMING } from '../labs/control.ts';
import type { ControlLab } from '../labs/control.ts';
import { deferred } from '../support/deferred.ts';
import { downloaded, endless, FIRST_START } from '../support/scripted-host.ts';
import type { ScriptedHost } from '../support/scripted-host.ts';
import { until } from '../support/until.ts';

let lab: ControlLab;
beforeAll(async () => {
  // A busy machine delays heartbeats: no attempt counts as lost here, which would fetch anew.
  lab = await openControlLab({ timing: { ...QUICK_TIMING, heartbeatMs: 20_000 } });
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

test('a host is Up exactly as long as its workers send heartbeats', async () => {
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

test('a host that is connected and that the database does not know is named, with what to do', async () => {
  const { hostId } = await lab.addHost({ name: 'unknown' });
  await removeHost(lab.db, hostId);
  const event = await until('the event', () =>
    lab.db.selectFrom('event').where('type', '=', 'HOST.UNKNOWN').selectAll().executeTakeFirst(),
  );
  expect(event).toMatchObject({ level: 'WARN', resource_uuid: hostId });
  expect(event.description).toMatch(/restart its service, so that it asks to join again, and approve it/);
});

test('jobs are removed when their retention is over', async () => {
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

test('a job whose request never reached Temporal is repaired', async () => {
  await lab.addHost({ name: 'forgotten' });
  const copy = await newCopy('forgotten');
  const { accountId, userId } = lab;
  const about = { cmd: 'prepareTemplate', instanceType: 'Template', instanceUuid: copy.templateId };
  const { jobId } = await createDeploymentJob(lab.db, { accountId, userId, ...about, copies: [copy] });
  expect((await lab.finished(jobId)).job_status).toBe(1);
});

test('a deletion whose request never reached Temporal is repaired', async () => {
  const templateId = await lab.addTemplate();
  const { accountId, userId } = lab;
  const about = { cmd: 'deleteTemplate', instanceType: 'Template', instanceUuid: templateId };
  const jobId = await createJob(lab.db, { accountId, userId, ...about });
  expect((await lab.finished(jobId)).job_status).toBe(1);
});

test('jobs about a pool that was removed end, and say that it was', async () => {
  const { hostId } = await lab.addHost({ name: 'removed' });
  const copy = await newCopy('removed');
  const { poolId } = copy;
  await removeHost(lab.db, hostId);
  const { accountId, userId } = lab;
  const asked = { accountId, userId, cmd: 'prepareTemplate', instanceType: 'Template' };
  const { jobId: deployment } = await createDeploymentJob(lab.db, {
    ...asked,
    instanceUuid: copy.templateId,
    copies: [copy],
  });
  const about = { cmd: 'cleanupStoragePool', instanceType: 'StoragePool', instanceUuid: poolId };
  const cleanup = await createJob(lab.db, { accountId, userId, ...about });
  for (const [jobId, text] of [
    [deployment, `There is no storage pool ${poolId}`],
    [cleanup, 'The storage pool was removed'],
  ] as const)
    expect(await lab.finished(jobId)).toMatchObject({
      job_status: 2,
      job_result: { errortext: text, errors: [{ kind: 'NotPossible' }] },
    });
});

test('a deployment that was terminated in Temporal goes on for the jobs that wait', async () => {
  const script = endless();
  const host = await lab.addHost({ name: 'killed', script });
  const copy = await newCopy('killed');
  const jobId = await lab.prepare(copy);
  await script.begun;
  await lab.workflow(copy).terminate('by hand');
  await until('another download begins', () => host.jobs.length > 1);
  await lab.orchestration.requestStop(copy, { by: 'the test', remove: false });
  expect((await lab.finished(jobId)).job_status).toBe(2);
  // The job ends with the request; what the download fetched is counted later, and would count in other tests.
  await lab.copyEnded(copy);
});

test('without a job that waits, the row of a terminated deployment gets the reason', async () => {
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
  expect(row.error_str).toMatch(/^Its workflow was ended in Temporal, or is not known there: call it again/);
  const events = await lab.db
    .selectFrom('event')
    .where('workflow_id', '=', copyWorkflowId(copy.templateId, copy.poolId))
    .select('type')
    .execute();
  expect(events).toContainEqual({ type: 'TEMPLATE.DIRECT.DOWNLOAD.FAILURE' });
});

test('a download that has sent no heartbeat yet is lost with the start of the host that took it, and with no other', async () => {
  const host: ScriptedHost = await lab.addHost({
    name: 'silent',
    script: {
      download: (job) =>
        host.jobs.length === 1
          ? Context.current().cancelled
          : Promise.resolve(downloaded(host.hostId, job, host.pool())),
    },
  });
  const copy = await newCopy('silent');
  const jobId = await lab.prepare(copy);
  await until('the host has it', () => host.jobs.length > 0);
  const { signal } = new AbortController();
  const query = `WorkflowId = '${lab.workflow(copy).workflowId}' AND State = 'Downloading'`;
  await until('it is listed', async () => {
    for await (const _found of lab.temporal.client.workflow.list({ query })) return true;
    return false;
  });
  expect(await lab.orchestration.signalLostAttempts(host.hostId, FIRST_START, signal)).toBe(0);
  expect(await lab.orchestration.signalLostAttempts(host.hostId, 'second', signal)).toBe(1);
  expect((await lab.finished(jobId)).job_status).toBe(1);
  expect(await lab.attempts(copy)).toMatchObject([
    { failure_kind: 'HostGone', error_str: 'the host was restarted during the download' },
    { failure_kind: null },
  ]);
});

test('the bytes of a running download are counted by the minute, each once', async () => {
  let fetched = 100;
  const released = deferred();
  const host: ScriptedHost = await lab.addHost({
    name: 'counted',
    script: {
      async download(job) {
        const beat = (): void =>
          Context.current().heartbeat({
            v: 1,
            phase: 'downloading',
            bytes: fetched,
            total: job.size,
            fetched,
            rate: 1,
            source: job.url,
            attempt: { id: job.attemptId, incarnation: 'first', tries: [] },
          });
        beat();
        const beats = setInterval(beat, 200);
        await released.promise;
        clearInterval(beats);
        return downloaded(host.hostId, job, host.pool());
      },
    },
  });
  const before = await samples();
  const sum = async () => bytesOf(await samples()) - bytesOf(before);
  const copy = await newCopy('counted');
  const jobId = await lab.prepare(copy);
  await until('what it has fetched is counted', async () => (await sum()) === 100);

  await lab.temporal.client.workflow.getHandle(UPKEEP_WORKFLOW_ID).terminate('by the test');
  await lab.restartControl();
  fetched = 700;
  await until('it says so', async () => (await lab.live(copy))?.fetch?.bytes === 700);
  await sql`update counted_attempt set counted = now() - interval '10 minutes'
    where attempt = ${host.jobs[0]?.attemptId ?? ''}`.execute(lab.db);
  await lab.startUpkeep();
  await until('so is what came while nobody counted', async () => (await sum()) === 700);
  const then = Date.now() - 120_000;
  const over = (all: Samples) => all.filter(({ minute }) => minute.getTime() <= then);
  const past = over(await samples());
  expect(past.length).toBeGreaterThanOrEqual(over(before).length + 8);

  fetched = 900;
  await until('and what comes then', async () => (await sum()) === 900);
  released.resolve();
  expect((await lab.finished(jobId)).job_status).toBe(1);
  await until('and the rest', async () => (await sum()) === 1000);
  expect(over(await samples())).toEqual(past);
});

const samples = () =>
  lab.db.selectFrom('throughput_sample').select(['minute', 'bytes']).orderBy('minute').execute();
type Samples = Awaited<ReturnType<typeof samples>>;
const bytesOf = (all: Samples): number => all.reduce((total, { bytes }) => total + bytes, 0);

test('there is one upkeep, however many control workers start it', async () => {
  await Promise.all(Array.from({ length: 5 }, () => lab.orchestration.ensureUpkeep()));
  expect(await lab.orchestration.isRunning('upkeep')).toBe(true);
});
