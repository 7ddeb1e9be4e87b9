/** Runs that grow long, on a Temporal server of their own, which calls a run long after a few events. */
import { readFileSync } from 'node:fs';
import { WorkflowNotFoundError } from '@temporalio/client';
import type { WorkflowHandle } from '@temporalio/client';
import { sql } from 'kysely';
import { createJob } from '../../db/jobs/jobs.ts';
import { CONTROL_QUEUE, peersWorkflowId, reportsWorkflowId, workflowTypes } from '../../model/names.ts';
import { newRunParameters } from '../../model/rules/released.ts';
import { openContinuingLab } from '../labs/continuing.ts';
import type { ControlLab } from '../labs/control.ts';
import { addFleet, rollOut, rolloutHandle } from '../labs/rollouts.ts';
import { deferred } from '../support/deferred.ts';
import { addHostWithDoor } from '../support/host-with-door.ts';
import { isFullRun } from '../support/programs.ts';
import { failed } from '../support/scripted-host.ts';
import type { ScriptedHost } from '../support/scripted-host.ts';
import { workflowBundle } from '../support/temporal.ts';
import { until } from '../support/until.ts';

let lab: ControlLab;
beforeAll(async () => {
  lab = await openContinuingLab();
});
afterAll(() => lab?.close());

const newCopy = async (pool: string) => ({
  templateId: await lab.addTemplate(),
  poolId: lab.poolId(pool),
});
type Copy = Awaited<ReturnType<typeof newCopy>>;

/** The run that the copy's workflow continues as by then. */
const nextRun = async (copy: Copy): Promise<string> => {
  const { runId } = await lab.workflow(copy).describe();
  return until('it goes on as another run', async () => {
    const { runId: now } = await lab.workflow(copy).describe();
    return now === runId ? undefined : now;
  });
};

const pendingActivity = async (copy: Copy): Promise<string | undefined> => {
  const { raw } = await lab.workflow(copy).describe();
  return raw.pendingActivities?.[0]?.activityType?.name ?? undefined;
};

/** Keeps attempts from being written, until released. */
async function holdAttempts(): Promise<() => Promise<void>> {
  const [holding, released] = [deferred(), deferred()];
  const done = lab.db.transaction().execute(async (tx) => {
    await sql`lock table download_attempt in share mode`.execute(tx);
    holding.resolve();
    await released.promise;
  });
  await holding.promise;
  return async () => {
    released.resolve();
    await done;
  };
}

test('a stop that comes with the very event after which a run continues as new is not lost', async () => {
  const host = await lab.addHost({
    name: 'failing',
    script: {
      download(job) {
        throw failed(host.hostId, job, { kind: 'HostGone', message: 'the host worker was stopped' });
      },
    },
  });
  const copy = await newCopy('failing');
  const release = await holdAttempts();
  const job = await lab.prepare(copy);
  await until('the attempt is being written', async () => (await pendingActivity(copy)) === 'recordAttempt');
  let stopping: Promise<boolean> | undefined;
  await lab.withoutWorkflows(async () => {
    await release();
    await until('it is written', async () => (await pendingActivity(copy)) === undefined);
    stopping = lab.orchestration.requestStop(copy, { by: 'ann', remove: false });
    stopping.catch(() => undefined);
    // The server has the stop before a worker is there that could take the event without it.
    await lab.temporal.client.workflow
      .getHandle('nothing')
      .describe()
      .catch(() => undefined);
  });
  expect(await stopping).toBe(true);
  expect(await lab.finished(job)).toMatchObject({
    job_result: { errortext: 'The deployment was cancelled by ann' },
  });
  expect(await lab.workflow(copy).result()).toMatchObject({ outcome: 'cancelled', cancelledBy: 'ann' });
});

test('a long wait goes on in new runs; stops and requests reach the current run', async () => {
  const host = await lab.addHost({ name: 'absent' });
  await host.setUp(false);
  const copies = await Promise.all(Array.from({ length: 6 }, () => newCopy('absent')));
  const stopped = await Promise.all(copies.map((copy) => lab.prepare(copy)));
  await nextRun(copies[0] as Copy);
  const stop = { by: 'ann', remove: false };
  expect(await Promise.all(copies.map((copy) => lab.orchestration.requestStop(copy, stop)))).toEqual(
    copies.map(() => true),
  );
  for (const job of stopped) expect((await lab.finished(job)).job_status).toBe(2);
  const served = await Promise.all(copies.map((copy) => lab.prepare(copy)));
  await nextRun(copies[0] as Copy);
  await host.setUp(true);
  for (const job of served) expect((await lab.finished(job)).job_status).toBe(1);
});

const callsOf = async (activity: string, handle: WorkflowHandle): Promise<number> => {
  const { events } = await handle.fetchHistory();
  const scheduled = events?.map((event) => event.activityTaskScheduledEventAttributes?.activityType?.name);
  return scheduled?.filter((name) => name === activity).length ?? 0;
};

if (isFullRun) {
  test('credentials go to a few hosts at a time, on in new runs, and a silent host neither keeps them from others nor a run from its end', async () => {
    const silent = await lab.addHost({ name: 'silent', dead: true });
    const hosts = await Promise.all([1, 2, 3, 4].map((n) => addHostWithDoor(lab, `door-${n}`)));
    const peer = sql<string>`(select peer from host where peer is not null limit 1)`;
    await lab.db.updateTable('host').set({ peer }).where('uuid', '=', silent.hostId).execute();
    const { zoneId, temporal } = lab;
    const { workflow } = temporal.client;
    const { firstExecutionRunId } = await workflow.start(workflowTypes.peers, {
      taskQueue: CONTROL_QUEUE,
      workflowId: peersWorkflowId(zoneId),
      args: [{ v: 1, zoneId, ...newRunParameters('peers', { bytesAtOnce: 1, takeMs: 300 }) }],
    });
    await workflow.getHandle(peersWorkflowId(zoneId)).result();
    for (const { received } of hosts) expect(received).toHaveLength(1);
    const first = workflow.getHandle(peersWorkflowId(zoneId), firstExecutionRunId);
    expect(await callsOf('setPeerCredentials', first)).toBeLessThanOrEqual(2);
  });

  test('a deletion that waits for a host goes on in new runs, as do the removals, and ends', async () => {
    const host = await lab.addHost({ name: 'away' });
    const copy = await newCopy('away');
    await lab.finished(await lab.prepare(copy));
    await lab.copyEnded(copy);
    await host.setUp(false);
    const { templateId } = copy;
    const { userId, accountId } = lab;
    const about = { cmd: 'deleteTemplate', instanceType: 'Template', instanceUuid: templateId };
    const jobId = await createJob(lab.db, { accountId, userId, ...about });
    await lab.orchestration.requestDeletion({ v: 1, templateId, jobId, userId, accountId });
    await until('the removal runs', () => lab.live(copy).then((live) => live !== undefined));
    await nextRun(copy);
    await host.setUp(true);
    expect((await lab.finished(jobId)).job_status).toBe(1);
  });
}

test('upkeep that the release before began ends its round, and goes on as a run that leaves reports to the workflows of zones', async () => {
  const [asked, answer] = [deferred(), deferred()];
  const host: ScriptedHost = await lab.addHost({
    name: 'asked',
    script: {
      async describeHost() {
        asked.resolve();
        await answer.promise;
        return { v: 1, hostId: host.hostId, version: '1', pools: [host.pool()], programs: [] };
      },
    },
  });
  host.setFree(777);
  const isReported = async (free: number): Promise<boolean> => {
    const pool = lab.db.selectFrom('storage_pool').where('name', '=', 'asked').select('free_bytes');
    return (await pool.executeTakeFirst())?.free_bytes === free;
  };
  // The workflows as a control worker of that release runs them.
  const built = readFileSync(workflowBundle.codePath, 'utf8');
  const code = built.replace(/[\w.(),\s]+patched\)?\(['"]reports-by-zone['"]\)/, ' false');
  expect(code).not.toBe(built);
  await lab.restartControl({ code });
  const { workflow } = lab.temporal.client;
  const { workflowId } = await lab.startUpkeep({ reportRunMs: 600_000 });
  await asked.promise;
  const { runId: old } = await workflow.getHandle(workflowId).describe();
  await lab.restartControl();
  const reports = workflow.getHandle(reportsWorkflowId(lab.zoneId));
  await expect(reports.describe()).rejects.toThrow(WorkflowNotFoundError);
  answer.resolve();
  await until('the report is recorded', () => isReported(777));
  await until('the workflow of the zone is at work', () => reports.describe().catch(() => undefined));
  const { runId } = await workflow.getHandle(workflowId).describe();
  expect(await callsOf('recordReports', workflow.getHandle(workflowId, old))).toBe(1);
  expect(runId).not.toBe(old);
  expect(await callsOf('hostsToDescribe', workflow.getHandle(workflowId, runId))).toBe(0);
  host.setFree(778);
  await until('it collects reports', () => isReported(778));
  await lab.removeHosts();
});

test('reports of a zone go on in new runs, some hosts in each, and every host has its turn', async () => {
  const hosts = await Promise.all([1, 2, 3, 4, 5].map((n) => lab.addHost({ name: `reporting-${n}` })));
  for (const host of hosts) host.setFree(555);
  await lab.startUpkeep({ reportsAtLeast: 5, reportsAtOnce: 2, roundMs: 60_000 });
  const unreported = () =>
    lab.db
      .selectFrom('storage_pool')
      .where('name', 'like', 'reporting-%')
      .where('free_bytes', '<>', 555)
      .select('name')
      .execute();
  await until('all have reported in one round', async () => (await unreported()).length === 0);
  await lab.removeHosts();
});

test('a roll-out goes on as another run, and begins its copies one after the other', async () => {
  const fleet = await addFleet(lab, { name: 'rolled', pools: 6, held: false });
  const templateId = await lab.addTemplate();
  const jobId = await rollOut(lab, templateId, fleet.poolIds, { atOnce: 1 });
  const first = (await rolloutHandle(lab, jobId).describe()).runId;
  expect(await lab.finished(jobId)).toMatchObject({
    job_status: 1,
    job_result: { templaterollout: { ready: 6 } },
  });
  await rolloutHandle(lab, jobId).result();
  expect((await rolloutHandle(lab, jobId).describe()).runId).not.toBe(first);
  expect(fleet.mostRunning()).toBe(1);
  expect(fleet.host.jobs).toHaveLength(6);
});
