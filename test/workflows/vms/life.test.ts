/** What happens to machines after their deployment, on scripted hosts. */
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { createDeploymentJob } from '../../../db/jobs/jobs.ts';
import { settleStopped } from '../../../db/copies/outcomes.ts';
import { applicationFailure } from '../../../activities/context.ts';
import { jobStatus } from '../../../model/states.ts';
import type { ChangeIsoJob, StopVmJob } from '../../../model/vm-payloads.ts';
import { vmWorkflowId } from '../../../model/names.ts';
import { openControlLab } from '../../labs/control.ts';
import type { ControlLab } from '../../labs/control.ts';
import { openMachines } from '../../labs/machines.ts';
import type { MachineLab } from '../../labs/machines.ts';
import { deferred } from '../../support/deferred.ts';
import { isFullRun } from '../../support/programs.ts';
import type { ScriptedHost } from '../../support/scripted-host.ts';
import { until } from '../../support/until.ts';

let lab: ControlLab;
let machines: MachineLab;
beforeAll(async () => {
  lab = await openControlLab();
  machines = openMachines(lab);
});
afterEach(() => lab.removeHosts());
afterAll(() => lab.close());

/** A machine that runs. */
async function running(templateId?: string): Promise<string> {
  const vmId = await machines.add({ templateId: templateId ?? (await lab.addTemplate()) });
  const job = await machines.perform(vmId, 'deployVirtualMachine');
  expect(job.job_status).toBe(jobStatus.done);
  return vmId;
}

const poolCopy = async (templateId: string) => lab.copy({ templateId, poolId: lab.poolId('pool') });

async function deleteTemplate(templateId: string, cmd: 'deleteTemplate' | 'deleteIso' = 'deleteTemplate') {
  const { userId, accountId } = lab;
  const { uuid: jobId } = await lab.db
    .insertInto('async_job')
    .values((eb) => ({
      account_id: eb.selectFrom('account').where('uuid', '=', accountId).select('id'),
      user_id: eb.selectFrom('user').where('uuid', '=', userId).select('id'),
      job_cmd: cmd,
      instance_type: 'Template',
      instance_uuid: templateId,
    }))
    .returning('uuid')
    .executeTakeFirstOrThrow();
  await lab.orchestration.requestDeletion({ v: 1, templateId, jobId, userId, accountId });
  return lab.finished(jobId);
}

test('stop, start, reboot, destroy, expunge', async () => {
  const stops: StopVmJob[] = [];
  const host: ScriptedHost = await lab.addHost({
    name: 'host',
    pool: 'pool',
    script: {
      stopVm(job) {
        stops.push(job);
        return host.machines.activities.stopVm(job);
      },
    },
  });
  const vmId = await running();
  await machines.perform(vmId, 'stopVirtualMachine', { forced: true });
  expect(stops).toMatchObject([{ vmId, forced: true, patienceMs: 500 }]);
  expect(await machines.row(vmId)).toMatchObject({ state: 'Stopped', power_state: 'PowerOff' });
  await machines.perform(vmId, 'stopVirtualMachine');
  expect(stops).toHaveLength(1);
  await machines.perform(vmId, 'startVirtualMachine');
  await machines.perform(vmId, 'rebootVirtualMachine');
  expect((await machines.row(vmId)).state).toBe('Running');
  expect(host.machines.starts.map(({ generation }) => generation)).toEqual([1, 2]);
  expect(new Set(host.machines.starts.map(({ disk }) => disk.volumeId)).size).toBe(1);
  await machines.perform(vmId, 'destroyVirtualMachine');
  expect(await machines.row(vmId)).toMatchObject({ state: 'Destroyed', host_id: null });
  expect([host.machines.domains.size, host.machines.disks.size]).toEqual([0, 1]);
  const job = await machines.perform(vmId, 'expungeVirtualMachine');
  expect(job.job_result).toEqual({ success: true });
  expect(host.machines.disks.size).toBe(0);
  const { removed } = await machines.row(vmId);
  expect(removed).not.toBeNull();
  expect((await machines.events(vmId)).map(({ type }) => type)).toEqual([
    'VM.CREATE',
    'VM.STOP',
    'VM.STOP',
    'VM.START',
    'VM.REBOOT',
    'VM.DESTROY',
    'VM.EXPUNGE',
  ]);
});

if (isFullRun) {
  test('a disk that is gone from its pool is not replaced by an empty one', async () => {
    const host = await lab.addHost({ name: 'host', pool: 'pool' });
    const vmId = await running();
    await machines.perform(vmId, 'stopVirtualMachine', { forced: true });
    host.machines.disks.clear();
    const job = await machines.perform(vmId, 'startVirtualMachine');
    expect(job.job_result).toMatchObject({ errors: [{ kind: 'DiskMissing' }] });
    expect(await machines.row(vmId)).toMatchObject({ state: 'Stopped', error_kind: 'DiskMissing' });
    expect(host.machines.disks.size).toBe(0);
  });

  test('a machine that is destroyed and expunged at once leaves nothing, and the result is empty', async () => {
    const host = await lab.addHost({ name: 'host', pool: 'pool' });
    const vmId = await running();
    const job = await machines.perform(vmId, 'destroyVirtualMachine', { expunge: true });
    expect(job.job_result).toEqual({ virtualmachine: {} });
    expect([host.machines.domains.size, host.machines.disks.size]).toEqual([0, 0]);
  });
}

test('an expunge waits for a host that is away, and is done when the host is back', async () => {
  const host = await lab.addHost({ name: 'host', pool: 'pool' });
  const vmId = await running();
  await host.stop();
  await host.setUp(false);
  const jobId = await machines.request(vmId, 'expungeVirtualMachine');
  await machines.waiting(vmId, /host host may still run/);
  expect((await machines.row(vmId)).state).toBe('Expunging');
  await host.setUp(true);
  await host.start();
  expect((await lab.finished(jobId)).job_status).toBe(jobStatus.done);
  expect(host.machines.disks.size).toBe(0);
});

if (isFullRun)
  test('a stop that the host refuses fails, and the machine still runs', async () => {
    await lab.addHost({
      name: 'host',
      pool: 'pool',
      script: {
        stopVm: () => Promise.reject(applicationFailure({ kind: 'HypervisorSilent', message: 'no answer' })),
      },
    });
    const vmId = await running();
    const job = await machines.perform(vmId, 'stopVirtualMachine');
    expect(job).toMatchObject({ job_status: jobStatus.failed, job_result_code: 534 });
    expect(await machines.row(vmId)).toMatchObject({ state: 'Running', error_kind: 'HypervisorSilent' });
  });

test('a stopped machine starts on another host of its pool, with its disk, after its own host has released it', async () => {
  const first = await lab.addHost({ name: 'a', pool: 'pool' });
  const vmId = await running();
  const second = await lab.addHost({ name: 'b', pool: 'pool' });
  await machines.perform(vmId, 'stopVirtualMachine');
  expect(first.machines.domains.get(vmId)).toBe('shutoff');
  await lab.db.updateTable('host').set({ resource_state: 'Maintenance' }).where('name', '=', 'a').execute();
  await machines.perform(vmId, 'startVirtualMachine');
  expect([first.machines.domains.has(vmId), second.machines.domains.get(vmId)]).toEqual([false, 'running']);
  expect(second.machines.disks.size).toBe(1);
});

if (isFullRun)
  test('a stopped machine whose host is Down waits: that host may run it again', async () => {
    const first = await lab.addHost({ name: 'a', pool: 'pool' });
    const vmId = await running();
    const second = await lab.addHost({ name: 'b', pool: 'pool' });
    await machines.perform(vmId, 'stopVirtualMachine');
    await first.stop();
    await first.setUp(false);
    const jobId = await machines.request(vmId, 'startVirtualMachine');
    await machines.waiting(vmId, /host a may still run .*; bring it back, or remove it/);
    expect(second.machines.starts).toEqual([]);
    await machines.request(vmId, 'stopVirtualMachine');
    expect((await lab.finished(jobId)).job_status).toBe(jobStatus.failed);
    expect(await machines.row(vmId)).toMatchObject({ state: 'Stopped' });
  });

test('a restored machine gets another disk and another instance id, and runs again', async () => {
  const host = await lab.addHost({ name: 'host', pool: 'pool' });
  const vmId = await running();
  const before = await machines.disk(vmId);
  await machines.perform(vmId, 'restoreVirtualMachine');
  const after = await machines.disk(vmId);
  expect(after.uuid).not.toBe(before.uuid);
  expect([...host.machines.disks]).toEqual([after.uuid]);
  const [first, second] = host.machines.starts;
  expect(second?.seed.instanceId).not.toBe(first?.seed.instanceId);
  expect(await machines.row(vmId)).toMatchObject({ state: 'Running' });
});

if (isFullRun)
  test('a volatile machine reboots with another disk, of the size that is wanted', async () => {
    const host = await lab.addHost({ name: 'host', pool: 'pool' });
    const vmId = await running();
    const before = await machines.disk(vmId);
    const reboot = await machines.perform(vmId, 'rebootVirtualMachine', { renew: true, size: 8000 });
    expect(reboot.job_status).toBe(jobStatus.done);
    const after = await machines.disk(vmId);
    expect(after.uuid).not.toBe(before.uuid);
    expect(after.size).toBe(8000);
    expect([...host.machines.disks]).toEqual([after.uuid]);
    expect(await machines.row(vmId)).toMatchObject({ state: 'Running' });
  });

test('a template is deleted under its machines: its copy stays until the last of them goes', async () => {
  let removals = 0;
  const host: ScriptedHost = await lab.addHost({
    name: 'host',
    pool: 'pool',
    script: {
      remove() {
        removals += 1;
        return Promise.resolve({ v: 1, hostId: host.hostId, files: 1, pool: host.pool() });
      },
    },
  });
  const templateId = await lab.addTemplate();
  const [first, second] = [await running(templateId), await running(templateId)];
  const deletion = await deleteTemplate(templateId);
  expect(deletion.job_result).toEqual({
    success: true,
    displaytext: 'the copy on one pool stays while 2 virtual machines use it',
  });
  const events = await lab.db.selectFrom('event').where('type', '=', 'TEMPLATE.DELETE').selectAll().execute();
  expect(events.map(({ description }) => description)).toEqual([
    'Template debian is deleted; the copy on one pool stays while 2 virtual machines use it',
  ]);
  expect(await poolCopy(templateId)).toMatchObject({ state: 'Ready' });
  // A removal that is requested all the same changes nothing.
  const copy = { templateId, poolId: lab.poolId('pool') };
  await lab.orchestration.requestRemoval(copy, { by: 'ann' });
  expect(await lab.workflow(copy).result()).toMatchObject({ files: 0, users: 2 });
  // A job that waits meanwhile gets the copy, since it stays.
  const waiting = randomUUID();
  const by = { userId: lab.userId, accountId: lab.accountId };
  await createDeploymentJob(lab.db, {
    ...by,
    jobId: waiting,
    cmd: 'prepareTemplate',
    instanceType: 'Template',
    instanceUuid: templateId,
    copies: [copy],
  });
  await settleStopped(lab.db, copy, { code: 530, text: 'The copy was removed by ann' });
  expect((await lab.finished(waiting)).job_status).toBe(jobStatus.done);
  await machines.perform(first, 'stopVirtualMachine');
  expect((await machines.perform(first, 'startVirtualMachine')).job_status).toBe(jobStatus.done);
  expect((await machines.perform(first, 'restoreVirtualMachine')).job_status).toBe(jobStatus.done);
  await machines.perform(first, 'destroyVirtualMachine');
  await machines.perform(second, 'destroyVirtualMachine', { expunge: true });
  expect(await poolCopy(templateId)).toMatchObject({ state: 'Ready' });
  expect(removals).toBe(0);
  await machines.perform(first, 'expungeVirtualMachine');
  await until('the copy is gone', async () =>
    (await poolCopy(templateId)) === undefined ? true : undefined,
  );
  expect(removals).toBe(1);
});

if (isFullRun)
  test('a template that is deleted while a machine waits for it ends the deployment', async () => {
    const host = await lab.addHost({ name: 'host', pool: 'pool' });
    await host.setUp(false);
    const templateId = await lab.addTemplate();
    await lab.prepare({ templateId, poolId: lab.poolId('pool') });
    await lab.waiting({ templateId, poolId: lab.poolId('pool') }, /Down/);
    const placer = await lab.addHost({ name: 'placer', pool: 'pool', script: {} });
    await placer.setUp(true);
    await placer.stop();
    const vmId = await machines.add({ templateId });
    const jobId = await machines.request(vmId, 'deployVirtualMachine');
    await machines.waiting(vmId, /is on its way/);
    await placer.start();
    const [job] = await Promise.all([lab.finished(jobId), deleteTemplate(templateId)]);
    // Whichever came first: the copy with the machine on it, or the end of both.
    const { state } = await machines.row(vmId);
    expect(state).toBe(job.job_status === jobStatus.done ? 'Running' : 'Error');
  });

describe('ISOs', () => {
  test('a machine from an ISO: an empty disk, and the ISO as CD-ROM from which it boots', async () => {
    const host = await lab.addHost({ name: 'host', pool: 'pool' });
    const isoId = await lab.addTemplate({ format: 'ISO' });
    const vmId = await machines.add({ templateId: isoId, iso: true });
    await machines.perform(vmId, 'deployVirtualMachine');
    const copy = await poolCopy(isoId);
    expect(host.machines.starts).toMatchObject([
      { iso: { copyId: copy?.uuid, format: 'ISO' }, bootFromIso: true },
    ]);
    expect(host.machines.starts[0]?.disk.image).toBeUndefined();
  });

  test('an ISO is brought to the pool of a running machine, put in, kept while it is in, and taken out', async () => {
    const changes: ChangeIsoJob[] = [];
    const host: ScriptedHost = await lab.addHost({
      name: 'host',
      pool: 'pool',
      script: {
        changeIso(job) {
          changes.push(job);
          return host.machines.activities.changeIso(job);
        },
      },
    });
    const vmId = await running();
    const isoId = await lab.addTemplate({ format: 'ISO' });
    await machines.perform(vmId, 'attachIso', { templateId: isoId });
    const copy = await poolCopy(isoId);
    expect(changes).toMatchObject([{ vmId, iso: { copyId: copy?.uuid } }]);
    expect((await machines.row(vmId)).iso_id).not.toBeNull();
    await deleteTemplate(isoId, 'deleteIso');
    expect(await poolCopy(isoId)).toMatchObject({ state: 'Ready' });
    await machines.perform(vmId, 'detachIso');
    expect(changes[1]?.iso).toBeUndefined();
    expect((await machines.row(vmId)).iso_id).toBeNull();
    await until('the copy is gone', async () => ((await poolCopy(isoId)) === undefined ? true : undefined));
  });

  if (isFullRun) {
    test('an ISO that the host does not take is not attached', async () => {
      await lab.addHost({
        name: 'host',
        pool: 'pool',
        script: {
          changeIso: () =>
            Promise.reject(applicationFailure({ kind: 'MediumLocked', message: 'it is locked' })),
        },
      });
      const vmId = await running();
      const isoId = await lab.addTemplate({ format: 'ISO' });
      const job = await machines.perform(vmId, 'attachIso', { templateId: isoId });
      expect(job.job_status).toBe(jobStatus.failed);
      expect(await machines.row(vmId)).toMatchObject({ state: 'Running', iso_id: null });
    });

    test('the drive of a stopped machine is its row alone; the start brings the ISO', async () => {
      const host = await lab.addHost({ name: 'host', pool: 'pool' });
      const vmId = await running();
      await machines.perform(vmId, 'stopVirtualMachine');
      const isoId = await lab.addTemplate({ format: 'ISO' });
      await machines.perform(vmId, 'attachIso', { templateId: isoId });
      expect(await poolCopy(isoId)).toBeUndefined();
      await machines.perform(vmId, 'startVirtualMachine');
      const copy = await poolCopy(isoId);
      expect(host.machines.starts[1]).toMatchObject({ iso: { copyId: copy?.uuid }, bootFromIso: false });
    });
  }
});

test('machines that were destroyed long enough ago are expunged by upkeep', async () => {
  const host = await lab.addHost({ name: 'host', pool: 'pool' });
  const vmId = await running();
  await machines.perform(vmId, 'destroyVirtualMachine');
  await lab.startUpkeep();
  await lab.db.insertInto('configuration').values({ name: 'expunge.delay', value: '0' }).execute();
  await until('it is gone', async () => ((await machines.row(vmId)).removed === null ? undefined : true));
  expect(host.machines.disks.size).toBe(0);
});

if (isFullRun)
  test('what a failed deployment left on a host is cleared when the host is back', async () => {
    let broken = true;
    const host: ScriptedHost = await lab.addHost({
      name: 'host',
      pool: 'pool',
      script: {
        async startVm(job) {
          await host.machines.activities.startVm(job);
          throw applicationFailure({ kind: 'DiskMissing', message: 'the disk is gone' });
        },
        releaseVm(job) {
          if (broken) throw applicationFailure({ kind: 'HypervisorSilent', message: 'no answer' });
          return host.machines.activities.releaseVm(job);
        },
      },
    });
    const vmId = await machines.add({ templateId: await lab.addTemplate() });
    const job = await machines.perform(vmId, 'deployVirtualMachine');
    expect(job.job_status).toBe(jobStatus.failed);
    expect(await machines.row(vmId)).toMatchObject({ state: 'Error', error_kind: 'DiskMissing' });
    await machines.waiting(vmId, /no answer/);
    broken = false;
    await machines.ended(vmId);
    expect([host.machines.domains.size, host.machines.disks.size]).toEqual([0, 0]);
    expect(await machines.row(vmId)).toMatchObject({ state: 'Error', host_id: null });
  });

test('where the pool has the image, a start has no step of its own but that of the host, which hears of an earlier disk', async () => {
  const host = await lab.addHost({ name: 'only', pool: 'pool' });
  const templateId = await lab.addTemplate();
  await lab.finished(await lab.prepare({ templateId, poolId: lab.poolId('pool') }));
  const vmId = await machines.add({ templateId });
  for (const command of ['deployVirtualMachine', 'stopVirtualMachine', 'startVirtualMachine'] as const) {
    await machines.perform(vmId, command);
    await machines.ended(vmId);
    if (command === 'stopVirtualMachine') continue;
    const { events } = await lab.temporal.client.workflow.getHandle(vmWorkflowId(vmId)).fetchHistory();
    const types = (events ?? []).flatMap(
      ({ activityTaskScheduledEventAttributes: scheduled }) => scheduled?.activityType?.name ?? [],
    );
    expect(types).toEqual(['startVm']);
  }
  expect(host.machines.starts).toMatchObject([{ generation: 1 }, { generation: 2, disk: { made: true } }]);
  expect(host.machines.starts[0]?.disk).not.toHaveProperty('made');
});

test('a stop that comes while the answer of the host is recorded does not end the start: it comes after it', async () => {
  const [answering, locked] = [deferred(), deferred()];
  const host: ScriptedHost = await lab.addHost({
    name: 'host',
    pool: 'pool',
    script: {
      async startVm(job) {
        answering.resolve();
        await locked.promise;
        return host.machines.activities.startVm(job);
      },
    },
  });
  const vmId = await machines.add({ templateId: await lab.addTemplate() });
  const deploy = await machines.request(vmId, 'deployVirtualMachine');
  await answering.promise;
  const stop = await lab.db.transaction().execute(async (tx) => {
    // The record of the answer must wait for this row.
    await tx.selectFrom('vm_instance').where('uuid', '=', vmId).select('id').forUpdate().execute();
    locked.resolve();
    await until('the answer is to be recorded', async () => {
      const { rows } = await sql`select from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`.execute(lab.db);
      return rows.length > 0;
    });
    return machines.request(vmId, 'stopVirtualMachine');
  });
  const jobs = [await lab.finished(deploy), await lab.finished(stop)];
  expect(jobs.map(({ job_status }) => job_status)).toEqual([jobStatus.done, jobStatus.done]);
  expect(await machines.row(vmId)).toMatchObject({ state: 'Stopped', power_state: 'PowerOff' });
  expect((await machines.events(vmId)).map(({ type }) => type)).toEqual(['VM.CREATE', 'VM.STOP']);
  expect(host.machines.domains.get(vmId)).toBe('shutoff');
});
