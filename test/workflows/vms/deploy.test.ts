/** Deployments and starts of virtual machines, on scripted hosts. */
import { Context } from '@temporalio/activity';
import { applicationFailure } from '../../../activities/context.ts';
import { removeHost } from '../../../db/hosts/hosts.ts';
import { listVms } from '../../../db/vms/listing.ts';
import { jobStatus } from '../../../model/states.ts';
import type { FailureKind } from '../../../model/failures.ts';
import { vmWorkflowId } from '../../../model/names.ts';
import type { StartVmJob, StartVmResult } from '../../../model/vm-payloads.ts';
import { openControlLab } from '../../labs/control.ts';
import type { ControlLab } from '../../labs/control.ts';
import { openMachines } from '../../labs/machines.ts';
import type { MachineLab } from '../../labs/machines.ts';
import { deferred } from '../../support/deferred.ts';
import { casesOfForm, isFullRun } from '../../support/programs.ts';
import { aborted, downloaded, endless, failed } from '../../support/scripted-host.ts';
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

const refusing = (kind: FailureKind, message: string) => () =>
  Promise.reject(applicationFailure({ kind, message }));

/** A start that a host does not begin before the test releases it. */
function late(host: () => ScriptedHost) {
  const begun = deferred();
  const released = deferred();
  return {
    begun: begun.promise,
    release: () => released.resolve(),
    startVm: async (job: StartVmJob): Promise<StartVmResult> => {
      begun.resolve();
      await Promise.race([released.promise, aborted(Context.current().cancellationSignal)]);
      return host().machines.activities.startVm(job);
    },
  };
}

/** On how many of the hosts the machine's domain is. */
const domainsOf = (vmId: string, hosts: readonly ScriptedHost[]): number =>
  hosts.filter((host) => host.machines.domains.has(vmId)).length;

const disksOf = (hosts: readonly ScriptedHost[]): number =>
  new Set(hosts.flatMap((host) => [...host.machines.disks])).size;

test('a machine is deployed: its image is brought to the pool, before prefetches, then it runs there', async () => {
  const host = await lab.addHost({ name: 'first', pool: 'first' });
  const templateId = await lab.addTemplate();
  const vmId = await machines.add({ templateId, userData: 'I2Nsb3Vk' });
  const job = await machines.perform(vmId, 'deployVirtualMachine');
  expect(job).toMatchObject({ job_status: jobStatus.done, job_result: { virtualmachine: { id: vmId } } });
  expect(host.jobs).toHaveLength(1);
  expect(host.jobs[0]?.priority).toBe(1);
  const row = await machines.row(vmId);
  expect(row).toMatchObject({ state: 'Running', power_state: 'PowerOn', phase: null, error_str: null });
  expect(row.host_id).toBe(await machines.hostId(host));
  const copy = await lab.copy({ templateId, poolId: lab.poolId('first') });
  const disk = await machines.disk(vmId);
  expect(disk).toMatchObject({ state: 'Ready', pool_id: copy?.pool_id });
  const [start] = host.machines.starts;
  expect(start).toMatchObject({
    vmId,
    generation: 1,
    disk: { volumeId: disk.uuid, image: { copyId: copy?.uuid, format: 'QCOW2' } },
    nics: [{ network: 'guest' }],
  });
  expect(JSON.stringify(start)).not.toContain('I2Nsb3Vk');
  expect(await host.openVm(start?.sealed ?? '', vmId)).toEqual({
    userData: 'I2Nsb3Vk',
    vncPassword: expect.stringMatching(/^[A-Za-z0-9]{8}$/) as string,
  });
  expect((await machines.events(vmId)).map(({ type }) => type)).toEqual(['VM.CREATE']);
  const waits = await lab.db.selectFrom('async_job').where('job_cmd', '=', 'prepareTemplate').execute();
  expect(waits).toEqual([]);
});

if (isFullRun)
  test('a pool that has the image goes before one that must download it', async () => {
    const [, second] = await Promise.all([
      lab.addHost({ name: 'a', pool: 'a' }),
      lab.addHost({ name: 'b', pool: 'b' }),
    ]);
    const templateId = await lab.addTemplate();
    await lab.finished(await lab.prepare({ templateId, poolId: lab.poolId('b') }));
    const vmId = await machines.add({ templateId });
    await machines.perform(vmId, 'deployVirtualMachine');
    expect(second.machines.domains.get(vmId)).toBe('running');
    expect(second.jobs).toHaveLength(1);
  });

/** So many machines are deployed at once. */
const MANY = isFullRun ? 50 : 5;

test('many machines of one template at once: one download, and each runs once', async () => {
  const hosts = await Promise.all(['a', 'b', 'c'].map((name) => lab.addHost({ name, pool: 'shared' })));
  const templateId = await lab.addTemplate();
  const all = await Promise.all(Array.from({ length: MANY }, () => machines.add({ templateId })));
  const jobs = await Promise.all(all.map((vmId) => machines.perform(vmId, 'deployVirtualMachine')));
  expect(jobs.filter(({ job_status }) => job_status !== jobStatus.done)).toEqual([]);
  expect(hosts.flatMap(({ jobs: downloads }) => downloads)).toHaveLength(1);
  expect(all.map((vmId) => domainsOf(vmId, hosts))).toEqual(all.map(() => 1));
  expect(disksOf(hosts)).toBe(MANY);
  expect(hosts.filter((host) => host.machines.domains.size > 0)).toHaveLength(3);
});

test('a host that cannot start it is left for the next, and keeps nothing', async () => {
  const bad: ScriptedHost = await lab.addHost({
    name: 'a-bad',
    pool: 'pool',
    script: { startVm: refusing('OutOfMemory', 'cannot allocate memory') },
  });
  const good = await lab.addHost({ name: 'b-good', pool: 'pool' });
  const vmId = await machines.add({ templateId: await lab.addTemplate() });
  const job = await machines.perform(vmId, 'deployVirtualMachine');
  expect(job.job_status).toBe(jobStatus.done);
  expect(bad.machines.domains.size).toBe(0);
  expect(good.machines.domains.get(vmId)).toBe('running');
  expect((await machines.row(vmId)).last_host_id).toBe(await machines.hostId(good));
});

if (isFullRun)
  test('libvirt that ends during the start is no reason against its host, which starts the machine', async () => {
    let calls = 0;
    const host: ScriptedHost = await lab.addHost({
      name: 'only',
      pool: 'pool',
      script: {
        startVm(job) {
          calls += 1;
          return calls === 1
            ? Promise.reject(applicationFailure({ kind: 'HypervisorSilent', message: 'no answer' }))
            : host.machines.activities.startVm(job);
        },
      },
    });
    const vmId = await machines.add({ templateId: await lab.addTemplate() });
    const job = await machines.perform(vmId, 'deployVirtualMachine');
    expect([job.job_status, calls]).toEqual([jobStatus.done, 2]);
    expect(host.machines.domains.get(vmId)).toBe('running');
  });

test('when every host fails, the machine is in Error with the reasons, and nothing is left; a start tries again', async () => {
  let broken = true;
  const host: ScriptedHost = await lab.addHost({
    name: 'broken',
    pool: 'pool',
    script: {
      startVm: (job) =>
        broken
          ? refusing('NetworkMissing', 'bridge br0 does not exist')()
          : host.machines.activities.startVm(job),
    },
  });
  const vmId = await machines.add({ templateId: await lab.addTemplate() });
  const job = await machines.perform(vmId, 'deployVirtualMachine');
  expect(job).toMatchObject({ job_status: jobStatus.failed, job_result_code: 534 });
  const { errortext } = job.job_result as { errortext: string };
  expect(errortext).toMatch(/bridge br0 does not exist.*No host can run/);
  expect(errortext).not.toContain('broken');
  expect(await machines.row(vmId)).toMatchObject({
    state: 'Error',
    host_id: null,
    error_kind: 'NetworkMissing',
  });
  expect(await machines.disk(vmId)).toMatchObject({ state: 'Allocated', pool_id: null });
  expect([host.machines.domains.size, host.machines.disks.size]).toEqual([0, 0]);
  broken = false;
  await machines.perform(vmId, 'startVirtualMachine');
  expect(await machines.row(vmId)).toMatchObject({ state: 'Running', error_str: null });
});

test('the image fails: the machine is in Error with the reason of the copy', async () => {
  const host: ScriptedHost = await lab.addHost({
    name: 'host',
    pool: 'pool',
    script: {
      download(job) {
        throw failed(host.hostId, job, { kind: 'ChecksumMismatch', message: 'the file has another SHA-256' });
      },
    },
  });
  const vmId = await machines.add({ templateId: await lab.addTemplate() });
  const job = await machines.perform(vmId, 'deployVirtualMachine');
  expect(job.job_result).toMatchObject({
    errorcode: 530,
    errortext: expect.stringContaining('the file has another SHA-256') as string,
    errors: [{ kind: 'ChecksumMismatch' }],
  });
  expect(await machines.row(vmId)).toMatchObject({ state: 'Error', host_id: null });
});

if (isFullRun)
  test('a download that a user cancels ends the deployment, which says so', async () => {
    const script = endless();
    await lab.addHost({ name: 'host', pool: 'pool', script: { download: script.download } });
    const templateId = await lab.addTemplate();
    const vmId = await machines.add({ templateId });
    const jobId = await machines.request(vmId, 'deployVirtualMachine');
    await script.begun;
    await lab.orchestration.requestStop(
      { templateId, poolId: lab.poolId('pool') },
      { by: 'ann', remove: false },
    );
    const job = await lab.finished(jobId);
    expect(job.job_result).toMatchObject({
      errortext: expect.stringContaining('cancelled by ann') as string,
    });
    expect(await machines.row(vmId)).toMatchObject({
      state: 'Error',
      error_kind: 'Cancelled',
      host_id: null,
    });
  });

test.each(casesOfForm(['stopVirtualMachine', 'destroyVirtualMachine'] as const))(
  '%s during the wait for the copy ends the start; the download goes on',
  async (command) => {
    const script = endless();
    const host = await lab.addHost({ name: 'host', pool: 'pool', script: { download: script.download } });
    const templateId = await lab.addTemplate();
    const vmId = await machines.add({ templateId });
    const deploy = await machines.request(vmId, 'deployVirtualMachine');
    const download = await script.begun;
    const job = await machines.perform(vmId, command);
    expect(job.job_status).toBe(jobStatus.done);
    expect(await lab.finished(deploy)).toMatchObject({
      job_status: jobStatus.failed,
      job_result: { errors: [{ kind: 'Cancelled' }] },
    });
    const state = command === 'stopVirtualMachine' ? 'Stopped' : 'Destroyed';
    expect(await machines.row(vmId)).toMatchObject({ state, host_id: null });
    script.release(downloaded(host.hostId, download, host.pool()));
    await lab.copyEnded({ templateId, poolId: lab.poolId('pool') });
    expect(host.machines.domains.size).toBe(0);
  },
);

test.each(casesOfForm(['destroyVirtualMachine', 'stopVirtualMachine'] as const))(
  '%s during the start on the host ends it at once, and the host has released the machine',
  async (command) => {
    const start = late(() => host);
    const releases: string[] = [];
    const host: ScriptedHost = await lab.addHost({
      name: 'host',
      pool: 'pool',
      script: {
        startVm: start.startVm,
        releaseVm(job) {
          releases.push(job.vmId);
          return host.machines.activities.releaseVm(job);
        },
      },
    });
    const vmId = await machines.add({ templateId: await lab.addTemplate() });
    const deploy = await machines.request(vmId, 'deployVirtualMachine');
    await start.begun;
    expect((await machines.perform(vmId, command)).job_status).toBe(jobStatus.done);
    expect(await lab.finished(deploy)).toMatchObject({
      job_status: jobStatus.failed,
      job_result: { errors: [{ kind: 'Cancelled' }] },
    });
    const state = command === 'stopVirtualMachine' ? 'Stopped' : 'Destroyed';
    expect(await machines.row(vmId)).toMatchObject({ state, host_id: null });
    expect(releases).toEqual([vmId]);
    start.release();
  },
);

test('a reboot that is asked for during the start does not end it, and comes after it', async () => {
  const start = late(() => host);
  const host: ScriptedHost = await lab.addHost({
    name: 'host',
    pool: 'pool',
    script: { startVm: start.startVm },
  });
  const vmId = await machines.add({ templateId: await lab.addTemplate() });
  const deploy = await machines.request(vmId, 'deployVirtualMachine');
  await start.begun;
  const reboot = await machines.request(vmId, 'rebootVirtualMachine');
  const workflow = lab.temporal.client.workflow.getHandle(vmWorkflowId(vmId));
  await until('the workflow has looked at the new job', async () => {
    const { events = [] } = await workflow.fetchHistory();
    const looks = events?.some(
      (event) => event.activityTaskScheduledEventAttributes?.activityType?.name === 'endingVmTask',
    );
    return looks === true || undefined;
  });
  start.release();
  expect((await lab.finished(deploy)).job_status).toBe(jobStatus.done);
  expect((await lab.finished(reboot)).job_status).toBe(jobStatus.done);
});

test('a machine whose host was lost during a start that was ended is Unknown, until that host is back', async () => {
  const second = late(() => host);
  const host: ScriptedHost = await lab.addHost({
    name: 'host',
    pool: 'pool',
    script: {
      startVm: (job) => (job.generation === 2 ? second : host.machines.activities).startVm(job),
    },
  });
  const vmId = await machines.add({ templateId: await lab.addTemplate() });
  const shown = async () => (await listVms(lab.db, { ids: [vmId] }, { limit: 1, offset: 0 })).rows[0];
  await machines.perform(vmId, 'deployVirtualMachine');
  await machines.perform(vmId, 'stopVirtualMachine', { forced: true });
  const { power_state_updated } = await machines.row(vmId);
  const start = await machines.request(vmId, 'startVirtualMachine');
  await second.begun;
  await host.stop();
  await host.setUp(false);
  const stop = await machines.perform(vmId, 'stopVirtualMachine');
  expect((await lab.finished(start)).job_status).toBe(jobStatus.failed);
  expect(stop).toMatchObject({
    job_status: jobStatus.failed,
    job_result: { errors: [{ kind: 'HostGone' }] },
  });
  expect(await shown()).toMatchObject({ shown_state: 'Unknown', state: 'Stopped', power_state_updated });
  await host.setUp(true);
  await host.start();
  expect((await machines.perform(vmId, 'stopVirtualMachine')).job_status).toBe(jobStatus.done);
  expect(await shown()).toMatchObject({ shown_state: 'Stopped', power_state: 'PowerOff' });
  second.release();
});

test('a host that is killed during the start: nobody else starts the machine before that host has confirmed', async () => {
  let calls = 0;
  const mortal: ScriptedHost = await lab.addHost({
    name: 'a-mortal',
    pool: 'pool',
    script: {
      startVm(job) {
        calls += 1;
        const started = mortal.machines.activities.startVm(job);
        return calls > 1 ? started : aborted(Context.current().cancellationSignal);
      },
    },
  });
  const other = await lab.addHost({ name: 'b-other', pool: 'pool' });
  const vmId = await machines.add({ templateId: await lab.addTemplate() });
  const jobId = await machines.request(vmId, 'deployVirtualMachine');
  await until('the host has the domain', () =>
    Promise.resolve(mortal.machines.domains.has(vmId) || undefined),
  );
  await mortal.stop();
  await mortal.setUp(false);
  await machines.waiting(vmId, /a-mortal may still run .*; bring it back, or remove it/);
  expect(other.machines.starts).toEqual([]);
  expect(await machines.row(vmId)).toMatchObject({
    state: 'Starting',
    host_id: await machines.hostId(mortal),
    error_str: expect.not.stringContaining('mortal') as string,
  });
  await mortal.start();
  const job = await lab.finished(jobId);
  expect(job.job_status).toBe(jobStatus.done);
  expect(domainsOf(vmId, [mortal, other])).toBe(1);
  expect(other.machines.domains.get(vmId)).toBe('running');
  expect(disksOf([mortal, other])).toBe(1);
});

if (isFullRun) {
  test('a host that is killed during the start, and removed by an administrator: the next host starts the machine', async () => {
    let isCalled = false;
    const mortal: ScriptedHost = await lab.addHost({
      name: 'a-mortal',
      pool: 'pool',
      script: {
        startVm() {
          isCalled = true;
          return aborted(Context.current().cancellationSignal);
        },
      },
    });
    const other = await lab.addHost({ name: 'b-other', pool: 'pool' });
    const vmId = await machines.add({ templateId: await lab.addTemplate() });
    const jobId = await machines.request(vmId, 'deployVirtualMachine');
    await until('the host has the job', async () => isCalled);
    await mortal.stop();
    await machines.waiting(vmId, /may still run/);
    await removeHost(lab.db, mortal.hostId);
    expect((await lab.finished(jobId)).job_status).toBe(jobStatus.done);
    expect(other.machines.domains.get(vmId)).toBe('running');
  });

  test('a host that did not take the job was not called: the next host starts the machine at once', async () => {
    const dead = await lab.addHost({ name: 'a-dead', pool: 'pool', dead: true });
    const other = await lab.addHost({ name: 'b-other', pool: 'pool' });
    const templateId = await lab.addTemplate();
    const vmId = await machines.add({ templateId });
    await dead.setUp(false);
    await lab.finished(await lab.prepare({ templateId, poolId: lab.poolId('pool') }));
    await dead.setUp(true);
    expect((await machines.perform(vmId, 'deployVirtualMachine')).job_status).toBe(jobStatus.done);
    expect(other.machines.domains.get(vmId)).toBe('running');
  });
}

test('no room on any pool is a wait that shows its numbers; it ends when there is room', async () => {
  await lab.addHost({ name: 'host', pool: 'pool' });
  const templateId = await lab.addTemplate();
  const big = await machines.add({ templateId, size: 3_000_000 });
  await machines.perform(big, 'deployVirtualMachine');
  const next = await machines.add({ templateId, size: 2_000_000 });
  const jobId = await machines.request(next, 'deployVirtualMachine');
  await machines.waiting(next, /no pool has room .*pool pool has no room: 2 MiB needed/);
  expect(await machines.row(next)).toMatchObject({ state: 'Starting', phase: 'place' });
  await machines.perform(big, 'expungeVirtualMachine');
  expect((await lab.finished(jobId)).job_status).toBe(jobStatus.done);
});

if (isFullRun) {
  test('a pool that is full when the host makes the disk is a wait as well', async () => {
    let full = true;
    const host: ScriptedHost = await lab.addHost({
      name: 'host',
      pool: 'pool',
      script: {
        startVm: (job) =>
          full ? refusing('NoSpace', 'no space left on device')() : host.machines.activities.startVm(job),
      },
    });
    const vmId = await machines.add({ templateId: await lab.addTemplate() });
    const jobId = await machines.request(vmId, 'deployVirtualMachine');
    await machines.waiting(vmId, /no space left on device/);
    full = false;
    expect((await lab.finished(jobId)).job_status).toBe(jobStatus.done);
  });

  test('a workflow that was ended by hand is begun again by upkeep, and no second domain comes of it', async () => {
    const script = endless();
    const host = await lab.addHost({ name: 'host', pool: 'pool', script: { download: script.download } });
    const vmId = await machines.add({ templateId: await lab.addTemplate() });
    const jobId = await machines.request(vmId, 'deployVirtualMachine');
    const download = await script.begun;
    await lab.temporal.client.workflow.getHandle(`vm:${vmId}`).terminate();
    await lab.startUpkeep();
    script.release(downloaded(host.hostId, download, host.pool()));
    expect((await lab.finished(jobId)).job_status).toBe(jobStatus.done);
    expect(host.machines.domains.size).toBe(1);
    expect(host.jobs).toHaveLength(1);
  });
}
