import { randomUUID } from 'node:crypto';
import type { WorkflowFailedError } from '@temporalio/client';
import { CancelledFailure } from '@temporalio/common';
import { Context } from '@temporalio/activity';
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { CopyUuids } from '../../db/jobs/jobs.ts';
import { awaitCopy } from '../../db/vms/copies.ts';
import { STOP, WAIT_MEMO, vmWorkflowId } from '../../model/names.ts';
import { CURRENT_TIMING } from '../../model/rules/released.ts';
import { openControlLab } from '../labs/control.ts';
import type { ControlLab } from '../labs/control.ts';
import { openMachines } from '../labs/machines.ts';
import { isFullRun } from '../support/programs.ts';
import { downloaded, endless, failed } from '../support/scripted-host.ts';
import { deferred } from '../support/deferred.ts';
import { until } from '../support/until.ts';

let lab: ControlLab;
beforeAll(async () => {
  lab = await openControlLab();
});
afterAll(() => lab.close());

const newCopy = async (pool: string) => ({
  templateId: await lab.addTemplate(),
  poolId: lab.poolId(pool),
});

/** Signals that the latest run of the copy's workflow has got. */
const signalsOf = async (copy: CopyUuids): Promise<number> => {
  const { events } = await lab.workflow(copy).fetchHistory();
  return events?.filter((event) => event.workflowExecutionSignaledEventAttributes).length ?? 0;
};

/** Endless for the first download, at once for the others. */
function firstEndless(hostId: () => string) {
  const script = endless();
  let calls = 0;
  return {
    ...script,
    async download(job: Parameters<typeof script.download>[0]) {
      calls += 1;
      if (calls === 1) return script.download(job);
      return downloaded(hostId(), job, poolOf(job));
    },
  };
}

const poolOf = ({ poolId }: { readonly poolId: string }) => ({
  id: poolId,
  name: 'p',
  type: 'Filesystem' as const,
  scope: 'HOST' as const,
  path: '/pools/p',
  capacity: 2_000_000,
  free: 1_000_000,
  mounted: true,
});

test('a stop fails all jobs that wait, and keeps the bytes and the tries', async () => {
  const script = endless();
  await lab.addHost({ name: 'stopped', script });
  const copy = await newCopy('stopped');
  const jobs = [await lab.prepare(copy), await lab.prepare(copy)];
  await script.begun;
  expect(await lab.orchestration.requestStop(copy, { by: 'ann', remove: false })).toBe(true);
  for (const id of jobs) {
    expect(await lab.finished(id)).toMatchObject({
      job_status: 2,
      job_result: { errortext: 'The deployment was cancelled by ann' },
    });
  }
  expect(await lab.workflow(copy).result()).toEqual({ v: 1, outcome: 'cancelled', cancelledBy: 'ann' });
  expect(await lab.copy(copy)).toMatchObject({
    download_state: 'NOT_DOWNLOADED',
    state: 'Allocated',
    cancelled_by: 'ann',
  });
  expect(await lab.attempts(copy)).toMatchObject([{ host_name: 'stopped', bytes: 400, failure_kind: null }]);
  const unsigned = lab.db.selectFrom('event').where('type', '=', 'HOST.ANSWER.REFUSED').selectAll();
  expect(await unsigned.execute()).toEqual([]);
  expect(await lab.db.selectFrom('pool_reservation').selectAll().execute()).toEqual([]);
  expect(await lab.orchestration.requestStop(copy, { by: 'ann', remove: false })).toBe(false);
});

if (isFullRun)
  test('a stop ends a wait as well', async () => {
    const host = await lab.addHost({ name: 'asleep' });
    await host.setUp(false);
    const copy = await newCopy('asleep');
    const job = await lab.prepare(copy);
    await lab.waiting(copy, /Down/);
    await lab.orchestration.requestStop(copy, { by: 'ann', remove: false });
    expect(await lab.finished(job)).toMatchObject({ job_status: 2 });
    await lab.copyEnded(copy);
    expect(await lab.copy(copy)).toMatchObject({ state: 'Allocated', cancelled_by: 'ann' });
  });

test('a stop that removes the copy continues as the removal, under the same id', async () => {
  const script = endless();
  await lab.addHost({ name: 'removed', script });
  const copy = await newCopy('removed');
  const job = await lab.prepare(copy);
  await script.begun;
  await lab.orchestration.requestStop(copy, { by: 'ann', remove: true });
  expect(await lab.finished(job)).toMatchObject({
    job_result: { errortext: 'The copy was removed by ann' },
  });
  await lab.copyEnded(copy);
  expect(await lab.copy(copy)).toBeUndefined();
  expect((await lab.workflow(copy).describe()).type).toBe('removal');
});

test("a cancellation in Temporal's own UI is a stop by Temporal", async () => {
  const script = endless();
  await lab.addHost({ name: 'ui', script });
  const copy = await newCopy('ui');
  const job = await lab.prepare(copy);
  await script.begun;
  await lab.workflow(copy).cancel();
  expect(await lab.finished(job)).toMatchObject({
    job_result: { errortext: 'The deployment was cancelled by Temporal' },
  });
  const error: unknown = await lab
    .workflow(copy)
    .result()
    .catch((reason: unknown) => reason);
  expect((error as WorkflowFailedError).cause).toBeInstanceOf(CancelledFailure);
  expect((await lab.workflow(copy).describe()).status.name).toBe('CANCELLED');
  expect(await lab.copy(copy)).toMatchObject({ state: 'Allocated', cancelled_by: 'Temporal' });
});

if (isFullRun)
  test('a stop while the host is silent ends as cancelled, not as failed', async () => {
    const host = await lab.addHost({
      name: 'mute',
      script: { download: () => Context.current().cancelled },
    });
    const copy = await newCopy('mute');
    await lab.prepare(copy);
    await until('it has the job', () => host.jobs.length > 0);
    await lab.orchestration.requestStop(copy, { by: 'ann', remove: false });
    expect(await lab.workflow(copy).result()).toMatchObject({ outcome: 'cancelled' });
    expect(await lab.copy(copy)).toMatchObject({ state: 'Allocated' });
  });

test('jobs younger than the stop are served, older ones are not', async () => {
  const script = firstEndless(() => host.hostId);
  const host = await lab.addHost({ name: 'late', script });
  const copy = await newCopy('late');
  const before = await lab.prepare(copy);
  await script.begun;
  await lab.orchestration.requestStop(copy, { by: 'ann', remove: false });
  expect((await lab.finished(before)).job_status).toBe(2);
  const after = await lab.prepare(copy);
  expect((await lab.finished(after)).job_status).toBe(1);
  expect(await lab.copy(copy)).toMatchObject({ state: 'Ready', cancelled_by: null });
});

test('a deployment that is requested during the removal follows it', async () => {
  const gate = endless();
  let removals = 0;
  const host = await lab.addHost({
    name: 'busy',
    script: {
      async remove({ poolId }) {
        removals += 1;
        await gate.download({ url: '' } as never).catch(() => undefined);
        return { v: 1, hostId: host.hostId, files: 1, pool: poolOf({ poolId }) };
      },
    },
  });
  const copy = await newCopy('busy');
  await lab.finished(await lab.prepare(copy));
  const old = await lab.copy(copy);
  await lab.orchestration.requestRemoval(copy, { by: 'ann' });
  await gate.begun;
  expect(await lab.copy(copy)).toMatchObject({ state: 'Destroying' });
  const job = await lab.prepare(copy);
  gate.release({} as never);
  expect((await lab.finished(job)).job_status).toBe(1);
  const fresh = await lab.copy(copy);
  expect(fresh).toMatchObject({ state: 'Ready' });
  expect(fresh?.uuid).not.toBe(old?.uuid);
  expect(removals).toBe(1);
  expect(host.jobs).toHaveLength(2);
});

test('a removal waits for a host, and may be requested for a copy that does not exist', async () => {
  const host = await lab.addHost({ name: 'gone' });
  const copy = await newCopy('gone');
  await lab.finished(await lab.prepare(copy));
  await host.setUp(false);
  await lab.orchestration.requestRemoval(copy, { by: 'ann' });
  await lab.waiting(copy, /gone is Down/);
  await host.setUp(true);
  await lab.copyEnded(copy);
  expect(await lab.copy(copy)).toBeUndefined();
  await lab.orchestration.requestRemoval(copy, { by: 'ann' });
  expect(await lab.workflow(copy).result()).toEqual({ v: 1, files: 0 });
});

const copyRow = ({ poolId }: CopyUuids) => sql`
  select 1 from template_spool_ref c join storage_pool p on p.id = c.pool_id where p.uuid = ${poolId} for share of c`;
const jobRow = (jobId: string) => sql`select 1 from async_job where uuid = ${jobId} for share`;

/** Keeps a row from being written, until released. */
async function hold(row: RawBuilder<unknown>): Promise<() => Promise<void>> {
  const released = deferred();
  const holding = deferred();
  const done = lab.db.transaction().execute(async (tx) => {
    await row.execute(tx);
    holding.resolve();
    await released.promise;
  });
  await holding.promise;
  return async () => {
    released.resolve();
    await done;
  };
}

test('a job that comes while the outcome is recorded gets it as well', async () => {
  const script = endless();
  const host = await lab.addHost({ name: 'last', script });
  const copy = await newCopy('last');
  const first = await lab.prepare(copy);
  const job = await script.begun;
  const release = await hold(copyRow(copy));
  script.release(downloaded(host.hostId, job, host.pool()));
  await until('the end is being written', () => pendingActivity(copy, 'finishCopy'));
  const second = await lab.prepare(copy);
  await release();
  expect((await lab.finished(first)).job_status).toBe(1);
  expect((await lab.finished(second)).job_status).toBe(1);
  expect(host.jobs).toHaveLength(1);
});

async function pendingActivity(copy: CopyUuids, name: string): Promise<boolean> {
  const { raw } = await lab.workflow(copy).describe();
  return raw.pendingActivities?.some(({ activityType }) => activityType?.name === name) ?? false;
}

if (isFullRun)
  test('a job that comes while a failure is recorded causes another try', async () => {
    let calls = 0;
    const gate = endless();
    const host = await lab.addHost({
      name: 'second',
      script: {
        async download(job) {
          calls += 1;
          if (calls > 1) return downloaded(host.hostId, job, host.pool());
          await gate.download(job);
          throw failed(host.hostId, job, { kind: 'NotFound', message: 'answers 404', url: job.url });
        },
      },
    });
    const copy = await newCopy('second');
    const first = await lab.prepare(copy);
    await gate.begun;
    const release = await hold(jobRow(first));
    gate.release({} as never);
    await until('the failure is being written', () => pendingActivity(copy, 'failCopy'));
    // It may have to wait for rows that the end has locked.
    const second = lab.prepare(copy);
    await release();
    // Both jobs were waiting when it was written; the second call has it tried again all the same.
    expect((await lab.finished(first)).job_status).toBe(2);
    await lab.finished(await second);
    await lab.copyEnded(copy);
    expect(await lab.copy(copy)).toMatchObject({ state: 'Ready' });
    expect(host.jobs).toHaveLength(2);
  });

test('requests that change nothing send no signal, so that a run cannot run out of them', async () => {
  const script = endless();
  const host = await lab.addHost({ name: 'popular', script });
  const copy = await newCopy('popular');
  const first = await lab.prepare(copy);
  const job = await script.begun;
  const others = await Promise.all(Array.from({ length: 20 }, () => lab.prepare(copy)));
  script.release(downloaded(host.hostId, job, host.pool()));
  for (const id of [first, ...others]) expect((await lab.finished(id)).job_status).toBe(1);
  await lab.copyEnded(copy);
  expect(await signalsOf(copy)).toBe(1);
});

if (isFullRun)
  test('however many machines wait for a copy, its deployment gets a signal for each listener that it takes', async () => {
    const { mostListeners } = CURRENT_TIMING.copy;
    const script = endless();
    const host = await lab.addHost({ name: 'wanted', script });
    const copy = await newCopy('wanted');
    const first = await lab.prepare(copy);
    const job = await script.begun;
    const machines = openMachines(lab);
    const vmId = await machines.add({ templateId: copy.templateId, storage: 'local' });
    await machines.request(vmId, 'deployVirtualMachine');
    await until('the machine has raised the priority', async () => (await signalsOf(copy)) === 2);
    for (let more = 1; more < mostListeners; more += 1)
      await awaitCopy(lab.db, copy, { vmId, jobId: randomUUID() });
    const late = await machines.add({ templateId: copy.templateId, storage: 'local' });
    await machines.request(late, 'deployVirtualMachine');
    const waiting = lab.temporal.client.workflow.getHandle(vmWorkflowId(late));
    await until('the other one waits as well', async () => {
      const { memo } = await waiting.describe();
      return memo?.[WAIT_MEMO] !== undefined && memo[WAIT_MEMO] !== null;
    });
    script.release(downloaded(host.hostId, job, host.pool()));
    expect((await lab.finished(first)).job_status).toBe(1);
    await lab.copyEnded(copy);
    expect(await signalsOf(copy)).toBe(2);
  });

test('a stop without its fields is refused, and changes nothing', async () => {
  const script = endless();
  const host = await lab.addHost({ name: 'strict', script });
  const copy = await newCopy('strict');
  const waiting = await lab.prepare(copy);
  const job = await script.begun;
  const update = lab.workflow(copy).executeUpdate(STOP, { args: [{}] });
  await expect(update).rejects.toMatchObject({ cause: { message: expect.stringMatching(/a stop takes/) } });
  script.release(downloaded(host.hostId, job, host.pool()));
  expect((await lab.finished(waiting)).job_status).toBe(1);
});
