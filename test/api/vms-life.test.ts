/** Starting, stopping, rebooting, destroying, expunging and recovering machines. */
import type { Row } from '../../db/tables.ts';
import type { Json, Parameters } from '../labs/api.ts';
import { type Machines, openMachines } from './machines.ts';

let m: Machines;
beforeAll(async () => {
  m = await openMachines();
});
afterEach(() => m.lab.orchestration.forget());
afterAll(() => m.lab.close());

const NONE = '00000000-0000-4000-8000-000000000000';
const setting = (name: string, value: boolean) => m.lab.admin.ok('updateConfiguration', { name, value });

describe('a command for the workflow writes a job, begins it, and records an event', () => {
  test.each<[string, Row<'vm_instance'>['state'], Parameters, Json, string]>([
    ['startVirtualMachine', 'Stopped', {}, {}, 'VM.START'],
    ['startVirtualMachine', 'Error', {}, {}, 'VM.START'],
    ['stopVirtualMachine', 'Running', {}, { forced: false }, 'VM.STOP'],
    ['stopVirtualMachine', 'Running', { forced: 'True' }, { forced: true }, 'VM.STOP'],
    ['stopVirtualMachine', 'Starting', {}, { forced: false }, 'VM.STOP'],
    ['stopVirtualMachine', 'Stopped', {}, { forced: false }, 'VM.STOP'],
    ['rebootVirtualMachine', 'Running', { forced: true }, { forced: true }, 'VM.REBOOT'],
    ['destroyVirtualMachine', 'Running', {}, { expunge: false, forced: false }, 'VM.DESTROY'],
    ['destroyVirtualMachine', 'Error', {}, { expunge: false, forced: false }, 'VM.DESTROY'],
  ])('%s of a machine that is %s %j', async (command, state, changes, params, type) => {
    const id = await m.vm(state);
    const { jobid } = await m.lab.user.ok(command, { id, ...changes });
    expect(await m.job(jobid)).toMatchObject({
      job_cmd: command,
      job_params: params,
      job_status: 0,
      instance_uuid: id,
      account_id: m.lab.user.accountId,
    });
    expect(m.lab.orchestration.of('requestVm')).toEqual([id]);
    const { event } = await m.lab.user.ok('listEvents', { resourceid: id, type });
    expect(event[0]).toMatchObject({ state: 'Scheduled', username: 'alice', account: 'alice' });
    expect((await m.shown(id)).jobid).toBe(jobid);
  });

  test('with the host that an administrator wants', async () => {
    const id = await m.vm('Stopped');
    const { jobid } = await m.lab.admin.ok('startVirtualMachine', { id, hostid: m.host.hostId });
    expect((await m.job(jobid)).job_params).toEqual({ hostId: m.host.hostId });
    expect(
      await m.refused('startVirtualMachine', { id: await m.vm('Stopped'), hostid: m.host.hostId }),
    ).toEqual([531, 'Parameter hostid can only be specified by a Root Admin, permission denied']);
  });

  test('and when Temporal does not answer, the job waits', async () => {
    const id = await m.vm('Stopped');
    m.lab.orchestration.failure = Object.assign(new Error('gone'), { code: 'ECONNREFUSED' });
    const { jobid } = await m.lab.user.ok('startVirtualMachine', { id });
    expect((await m.job(jobid)).job_status).toBe(0);
  });
});

describe('a machine in the wrong state is refused in the words of CloudStack', () => {
  test.each<[string, Row<'vm_instance'>['state'], number, string]>([
    ['startVirtualMachine', 'Running', 431, 'The virtual machine ID (NAME) is already running'],
    ['startVirtualMachine', 'Destroyed', 431, 'Vm with id ID is not in the right state'],
    ['stopVirtualMachine', 'Destroyed', 431, 'Vm with id ID is not in the right state'],
    ['rebootVirtualMachine', 'Stopped', 431, 'The VM ID (NAME) is not running, unable to reboot it'],
    ['expungeVirtualMachine', 'Stopped', 530, 'Please destroy vm with specified vmId before expunge'],
    ['recoverVirtualMachine', 'Stopped', 431, 'Vm with id ID is not in the right state'],
    ['updateVirtualMachine', 'Error', 431, 'Vm with id ID is not in the right state'],
    ['resetSSHKeyForVirtualMachine', 'Running', 431, 'Vm ID (NAME) should be stopped to do SSH Key reset'],
    ['resetUserDataForVirtualMachine', 'Running', 431, 'Vm ID (NAME) should be stopped to do UserData reset'],
  ])('%s: %s', async (command, state, code, sentence) => {
    const id = await m.vm(state);
    const words = sentence.replaceAll('ID', id).replaceAll('NAME', `VM-${id}`);
    expect(await m.refused(command, { id }, m.lab.admin)).toEqual([code, expect.stringContaining(words)]);
  });
});

describe('destroyVirtualMachine and expungeVirtualMachine', () => {
  test('expunge is for administrators, unless the setting allows it', async () => {
    const id = await m.vm('Destroyed');
    const denied = 'Or when the allow.user.expunge.recover.vm key is set.';
    expect(await m.refused('destroyVirtualMachine', { id, expunge: true })).toEqual([
      531,
      `Parameter expunge can be passed by Admin only. ${denied}`,
    ]);
    expect(await m.refused('expungeVirtualMachine', { id })).toEqual([
      531,
      `Expunging a vm can only be done by an Admin. ${denied}`,
    ]);
    expect(await m.refused('recoverVirtualMachine', { id })).toEqual([
      531,
      `Recovering a vm can only be done by an Admin. ${denied}`,
    ]);
    await setting('allow.user.expunge.recover.vm', true);
    const { jobid } = await m.lab.user.ok('expungeVirtualMachine', { id });
    expect((await m.job(jobid)).job_cmd).toBe('expungeVirtualMachine');
    await setting('allow.user.expunge.recover.vm', false);
  });

  test('a destroyed machine is destroyed once more without work, and expunged with', async () => {
    const id = await m.vm('Destroyed');
    const { jobid } = await m.lab.admin.ok('destroyVirtualMachine', { id });
    expect(await m.lab.admin.ok('queryAsyncJobResult', { jobid })).toMatchObject({
      jobstatus: 1,
      jobresult: { virtualmachine: { id, state: 'Destroyed' } },
    });
    expect(m.lab.orchestration.asked.filter(({ what }) => what === 'requestVm')).toEqual([]);
    const { jobid: second } = await m.lab.admin.ok('destroyVirtualMachine', { id, expunge: true });
    expect((await m.job(second)).job_params).toEqual({ expunge: true, forced: false });
    await m.settle(id, 'Expunging');
    await m.lab.db.updateTable('vm_instance').set({ removed: new Date() }).where('uuid', '=', id).execute();
    expect((await m.lab.admin.ok('queryAsyncJobResult', { jobid: second })).jobresult).toEqual({
      virtualmachine: {},
    });
    // One that was expunged is known and in no list; one that never was is an error.
    expect(await m.lab.admin.ok('listVirtualMachines', { id })).toEqual({});
    expect((await m.lab.admin.call('listVirtualMachines', { id: NONE })).status).toBe(431);
    expect((await m.lab.admin.call('destroyVirtualMachine', { id })).inner.errortext).toContain(
      `Invalid parameter id value=${id} due to incorrect long value format, or entity does not exist`,
    );
  });

  test('a protected machine is not destroyed', async () => {
    const id = await m.vm('Stopped');
    await m.lab.user.ok('updateVirtualMachine', { id, deleteprotection: true });
    expect(await m.refused('destroyVirtualMachine', { id })).toEqual([
      431,
      `Instance [id = ${id}, name = VM-${id}] has delete protection enabled and cannot be deleted.`,
    ]);
    await m.lab.user.ok('updateVirtualMachine', { id, deleteprotection: false });
    await m.lab.user.ok('destroyVirtualMachine', { id });
  });

  test('the guest is stopped by force where the setting says so', async () => {
    await setting('vm.destroy.forcestop', true);
    const { jobid } = await m.lab.user.ok('destroyVirtualMachine', { id: await m.vm('Running') });
    expect((await m.job(jobid)).job_params).toEqual({ expunge: false, forced: true });
    await setting('vm.destroy.forcestop', false);
  });
});

describe('recoverVirtualMachine', () => {
  test('makes a destroyed machine a stopped one at once, within the limits', async () => {
    const id = await m.vm('Destroyed');
    const { virtualmachine } = await m.lab.admin.ok('recoverVirtualMachine', { id });
    expect(virtualmachine).toMatchObject({ id, state: 'Stopped' });
    await m.settle(id, 'Destroyed');
    await m.lab.admin.ok('updateResourceLimit', { account: 'alice', resourcetype: 0, max: 1 });
    expect(await m.refused('recoverVirtualMachine', { id }, m.lab.admin)).toEqual([
      535,
      expect.stringContaining("Maximum number of resources of type 'user_vm' for account name=alice"),
    ]);
    await m.lab.admin.ok('updateResourceLimit', { account: 'alice', resourcetype: 0, max: -1 });
  });
});
