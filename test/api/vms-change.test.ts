/** Changing machines that exist: properties, user data, keys, offering, ISOs, disk and tags; their console logs. */
import type { Row } from '../../db/tables.ts';
import { GIB } from '../../model/vms.ts';
import type { Json, Parameters } from '../labs/api.ts';
import { type Machines, openMachines } from './machines.ts';

let m: Machines;
beforeAll(async () => {
  m = await openMachines();
});
afterEach(() => m.lab.orchestration.forget());
afterAll(() => m.lab.close());

const NONE = '00000000-0000-4000-8000-000000000000';

const stored = async (virtualmachineid: string): Promise<Json> =>
  (await m.lab.user.ok('getVirtualMachineUserData', { virtualmachineid })).virtualmachineuserdata;

const offering = async (values: Partial<Row<'service_offering'>>): Promise<string> => {
  const { uuid } = await m.lab.db
    .insertInto('service_offering')
    .values({ name: 'other', display_text: 'other', cpu: 2, speed: 800, ram_size: 256, ...values } as never)
    .returning('uuid')
    .executeTakeFirstOrThrow();
  return uuid;
};

const log = (virtualmachineid: string, changes: Parameters = {}, who = m.lab.user) =>
  who.call('getVirtualMachineConsoleLog', { virtualmachineid, ...changes });

describe('updateVirtualMachine', () => {
  test('changes what is given, and nothing on a second run', async () => {
    const id = await m.vm('Running');
    const [os] = (await m.lab.user.ok('listOsTypes', { description: 'Debian GNU/Linux 12' })).ostype;
    const given = {
      id,
      name: 'renamed',
      displayname: 'Renamed',
      group: 'two',
      ostypeid: os.id,
      haenable: true,
      'details[0].rootDiskController': 'virtio',
      'details[1].nicAdapter': 'virtio',
    };
    const { virtualmachine } = await m.lab.admin.ok('updateVirtualMachine', given);
    expect(virtualmachine).toMatchObject({
      name: 'renamed',
      displayname: 'Renamed',
      group: 'two',
      ostypeid: os.id,
      haenable: true,
      state: 'Running',
      details: { rootDiskController: 'virtio', nicAdapter: 'virtio' },
    });
    const again = (await m.lab.admin.ok('updateVirtualMachine', given)).virtualmachine;
    expect({ ...again, lastupdated: '' }).toEqual({ ...virtualmachine, lastupdated: '' });
    const cleared = await m.lab.admin.ok('updateVirtualMachine', { id, group: '', cleanupdetails: true });
    expect(cleared.virtualmachine).toEqual(expect.not.objectContaining({ group: expect.anything() }));
    expect(cleared.virtualmachine.details).toBeUndefined();
  });

  test('keeps what users may not set', async () => {
    const id = await m.vm('Stopped', m.lab.user, { 'details[0].rootdisksize': 25 });
    await m.lab.admin.ok('updateVirtualMachine', {
      id,
      'details[0].rootdisksize': 25,
      'details[0].rootDiskController': 'scsi',
    });
    const refused = (key: string) => m.refused('updateVirtualMachine', { id, [`details[0].${key}`]: 'x' });
    expect(await refused('cpuOvercommitRatio')).toEqual([
      431,
      "You're not allowed to add or edit the restricted setting: cpuOvercommitRatio",
    ]);
    expect(await refused('rootDiskController')).toEqual([
      431,
      "You're not allowed to add or edit the read-only setting: rootDiskController",
    ]);
    expect((await refused('extraconfig-1'))[1]).toBe(
      "'extraconfig' should not be included in details as key",
    );
    await m.lab.user.ok('updateVirtualMachine', { id, 'details[0].nicAdapter': 'e1000' });
    expect((await m.shown(id)).details).toEqual({
      rootdisksize: '25',
      rootDiskController: 'scsi',
      nicAdapter: 'e1000',
    });
    await m.lab.user.ok('updateVirtualMachine', { id, cleanupdetails: true });
    expect((await m.shown(id)).details).toEqual({ rootdisksize: '25', rootDiskController: 'scsi' });
  });

  test('refuses a name that another machine of its networks has', async () => {
    await m.vm('Stopped', m.lab.user, { name: 'theirs' });
    const id = await m.vm('Stopped', m.lab.user, { name: 'mine' });
    expect(await m.refused('updateVirtualMachine', { id, name: 'theirs' })).toEqual([
      431,
      'The vm with hostName theirs already exists in the network domain: null; network=lan',
    ]);
    expect((await m.refused('updateVirtualMachine', { id, name: '-x' }))[1]).toMatch(/^Invalid name\./);
    await m.lab.user.ok('updateVirtualMachine', { id, name: 'mine' });
  });
});

describe('user data', () => {
  const base64 = Buffer.from('#cloud-config\n').toString('base64');

  test('is set, answered and taken away', async () => {
    const id = await m.vm('Stopped');
    expect(await stored(id)).toEqual({ virtualmachineid: id });
    await m.lab.user.ok('updateVirtualMachine', { id, userdata: base64 });
    expect(await stored(id)).toEqual({ virtualmachineid: id, userdata: base64 });
    const { jobid } = await m.lab.user.ok('resetUserDataForVirtualMachine', { id, userdata: '' });
    expect((await m.lab.user.ok('queryAsyncJobResult', { jobid })).jobstatus).toBe(1);
    expect(await stored(id)).toEqual({ virtualmachineid: id });
    expect((await m.refused('resetUserDataForVirtualMachine', { id }))[1]).toContain(
      'userdataid must be given',
    );
    expect((await m.lab.other.call('getVirtualMachineUserData', { virtualmachineid: id })).status).toBe(431);
  });
});

describe('resetSSHKeyForVirtualMachine', () => {
  test('gives a stopped machine other keys', async () => {
    await m.lab.db
      .insertInto('ssh_keypair')
      .values({
        account_id: m.lab.user.accountId,
        name: 'new',
        public_key: 'ssh-ed25519 new',
        fingerprint: 'f',
      })
      .execute();
    const id = await m.vm('Stopped');
    const { jobid } = await m.lab.admin.ok('resetSSHKeyForVirtualMachine', { id, keypair: 'new' });
    const { jobresult } = await m.lab.admin.ok('queryAsyncJobResult', { jobid });
    expect(jobresult.virtualmachine.keypairs).toBe('new');
    expect((await m.row(id)).public_keys).toEqual(['ssh-ed25519 new']);
    expect(await m.refused('resetSSHKeyForVirtualMachine', { id })).toEqual([
      431,
      "'keypair' or 'keyparis' must be specified",
    ]);
    expect(await m.refused('resetSSHKeyForVirtualMachine', { id, keypairs: 'new,none' })).toEqual([
      431,
      'Not all specified keyparis exist',
    ]);
  });
});

describe('another service offering', () => {
  test('is given to a stopped machine by either command', async () => {
    const id = await m.vm('Stopped');
    const serviceofferingid = await offering({ root_disk_size: 30 });
    const { virtualmachine } = await m.lab.user.ok('changeServiceForVirtualMachine', {
      id,
      serviceofferingid,
    });
    expect(virtualmachine).toMatchObject({ serviceofferingid, cpunumber: 2, cpuspeed: 800, memory: 256 });
    expect((await m.volume(id)).size).toBe(30 * 2 ** 30);
    const custom = await offering({ cpu: null, speed: null, ram_size: null, customized: true });
    const { jobid } = await m.lab.user.ok('scaleVirtualMachine', {
      id,
      serviceofferingid: custom,
      'details[0].cpuNumber': 3,
      'details[0].memory': 1024,
    });
    const { jobresult } = await m.lab.user.ok('queryAsyncJobResult', { jobid });
    expect(jobresult).toEqual({ virtualmachine: expect.objectContaining({ cpunumber: 3, memory: 1024 }) });
    expect((await m.refused('changeServiceForVirtualMachine', { id, serviceofferingid: custom }))[1]).toBe(
      `Not upgrading vm ${id} (VM-${id}) since it already has the requested service offering (other)`,
    );
    expect(
      (
        await m.refused('changeServiceForVirtualMachine', {
          id,
          serviceofferingid: await offering({ root_disk_size: 29 }),
        })
      )[1],
    ).toMatch(/^Failed to resize Root volume\. The new Service Offering other has a smaller disk size/);
  });

  test('is refused while the machine runs', async () => {
    const id = await m.vm('Running');
    const serviceofferingid = await offering({});
    expect(await m.refused('changeServiceForVirtualMachine', { id, serviceofferingid })).toEqual([
      431,
      `Unable to upgrade virtual machine ${id} (VM-${id}) in state Running; make sure the virtual machine is stopped`,
    ]);
    expect(await m.refused('scaleVirtualMachine', { id, serviceofferingid })).toEqual([
      431,
      expect.stringMatching(
        /^Unable to live scale VM on KVM when current service offering is a "Fixed Offering"\./,
      ),
    ]);
  });

  test('counts against the limits with what it has more', async () => {
    const carol = await m.lab.newUser('carol', 'user');
    const id = await m.vm('Stopped', carol);
    await m.lab.admin.ok('updateResourceLimit', { account: 'carol', resourcetype: 8, max: 2 });
    const given = { id, serviceofferingid: await offering({ cpu: 3 }) };
    expect((await m.refused('changeServiceForVirtualMachine', given, carol))[0]).toBe(535);
    await m.lab.admin.ok('updateResourceLimit', { account: 'carol', resourcetype: 8, max: 3 });
    await carol.ok('changeServiceForVirtualMachine', given);
  });
});

describe('ISOs', () => {
  test('are attached and detached by the workflow', async () => {
    const virtualmachineid = await m.vm('Running');
    const { jobid } = await m.lab.user.ok('attachIso', { id: m.iso, virtualmachineid });
    expect(await m.job(jobid)).toMatchObject({
      job_cmd: 'attachIso',
      job_params: { templateId: m.iso, forced: false },
    });
    const [event] = (await m.lab.user.ok('listEvents', { resourceid: virtualmachineid, type: 'ISO.ATTACH' }))
      .event;
    expect(event.state).toBe('Scheduled');
    m.lab.orchestration.forget();
    expect(await m.refused('detachIso', { virtualmachineid })).toEqual([
      431,
      'The specified VM has no ISO attached to it.',
    ]);
    const iso = await m.lab.db
      .selectFrom('vm_template')
      .where('uuid', '=', m.iso)
      .select('id')
      .executeTakeFirst();
    await m.lab.db
      .updateTable('vm_instance')
      .set({ iso_id: iso?.id ?? null })
      .where('uuid', '=', virtualmachineid)
      .execute();
    const { jobid: out } = await m.lab.user.ok('detachIso', { virtualmachineid, forced: true });
    expect((await m.job(out)).job_params).toEqual({ forced: true });
  });

  test('are refused: a template, one of others, and a machine that is starting', async () => {
    const virtualmachineid = await m.vm('Running');
    expect(await m.refused('attachIso', { id: m.template, virtualmachineid })).toEqual([
      431,
      `Unable to find an ISO with id ${m.template}`,
    ]);
    const { templateId: ofBob } = await m.lab.template(m.lab.other, { format: 'ISO' });
    expect((await m.refused('attachIso', { id: ofBob, virtualmachineid }))[0]).toBe(431);
    expect(await m.refused('attachIso', { id: ofBob, virtualmachineid }, m.lab.admin)).toEqual([
      531,
      expect.stringContaining('The owner of the machine may not use'),
    ]);
    expect(await m.refused('attachIso', { id: m.iso, virtualmachineid: await m.vm('Starting') })).toEqual([
      431,
      'Please specify a VM that is either Stopped or Running.',
    ]);
  });
});

describe('restoreVirtualMachine', () => {
  test('asks the workflow for a new disk, of the same template or of another', async () => {
    const virtualmachineid = await m.vm('Running');
    const { jobid } = await m.lab.user.ok('restoreVirtualMachine', { virtualmachineid });
    expect(await m.job(jobid)).toMatchObject({ job_cmd: 'restoreVirtualMachine', job_params: {} });
    const { templateId } = await m.lab.template(m.lab.user, { name: 'next' });
    const second = await m.lab.user.ok('restoreVirtualMachine', { virtualmachineid, templateid: templateId });
    expect((await m.job(second.jobid)).job_params).toEqual({ templateId });
  });

  test('takes the size and the disk offering of the new disk, within the limits', async () => {
    const virtualmachineid = await m.vm('Stopped');
    const restore = async (more: Parameters): Promise<unknown> => {
      const { jobid } = await m.lab.user.ok('restoreVirtualMachine', { virtualmachineid, ...more });
      return (await m.job(jobid)).job_params;
    };
    expect(await restore({ rootdisksize: 30 })).toEqual({ size: 30 * GIB });
    expect(await restore({ rootdisksize: 30, 'details[0].rootdisksize': '25' })).toEqual({ size: 25 * GIB });
    const { diskoffering } = await m.lab.admin.ok('createDiskOffering', {
      name: 'forty',
      displaytext: 'forty',
      disksize: 40,
    });
    const byOffering = { size: 40 * GIB, diskOfferingId: diskoffering.id };
    expect(await restore({ diskofferingid: diskoffering.id })).toEqual(byOffering);
    const { templateId } = await m.lab.template(m.lab.user, { name: 'larger' });
    await m.lab.db
      .updateTable('vm_template')
      .set({ virtual_size: 50 * GIB })
      .where('uuid', '=', templateId)
      .execute();
    expect(await restore({ templateid: templateId })).toEqual({ templateId, size: 50 * GIB });
    await m.lab.admin.ok('updateResourceLimit', { account: 'alice', resourcetype: 10, max: 500 });
    for (const [more, code, sentence] of [
      [{ rootdisksize: 19 }, 431, 'Unsupported: rootdisksize override (19 GB) is smaller than template size'],
      [{ rootdisksize: 0 }, 431, 'Root disk size should be a positive number.'],
      [{ 'details[0].memory': '1' }, 431, "takes rootdisksize alone; 'memory' is set by"],
      [{ rootdisksize: 600 }, 535, "Maximum number of resources of type 'primary_storage'"],
    ] as const) {
      const refused = await m.refused('restoreVirtualMachine', { virtualmachineid, ...more });
      expect(refused).toEqual([code, expect.stringContaining(sentence)]);
    }
    await m.lab.admin.ok('updateResourceLimit', { account: 'alice', resourcetype: 10, max: -1 });
  });

  test('is what the reboot of a machine with a volatile offering does', async () => {
    const { serviceoffering } = await m.lab.admin.ok('createServiceOffering', {
      name: 'volatile',
      displaytext: 'volatile',
      cpunumber: 1,
      cpuspeed: 100,
      memory: 256,
      isvolatile: true,
    });
    const id = await m.vm('Running', m.lab.user, { serviceofferingid: serviceoffering.id });
    const { jobid } = await m.lab.user.ok('rebootVirtualMachine', { id, forced: true });
    expect((await m.job(jobid)).job_params).toEqual({ renew: true });
  });

  test('is refused in other states, and says why a deleted template cannot be had', async () => {
    const virtualmachineid = await m.vm('Error');
    expect(await m.refused('restoreVirtualMachine', { virtualmachineid })).toEqual([
      431,
      `Vm ${virtualmachineid} currently in Error state, restore vm can only execute when VM in Running or Stopped`,
    ]);
    const { templateId } = await m.lab.template(m.lab.user, { name: 'gone' });
    const id = await m.vm('Stopped', m.lab.user, { templateid: templateId });
    await m.lab.db
      .updateTable('vm_template')
      .set({ state: 'Inactive', removed: new Date() })
      .where('uuid', '=', templateId)
      .execute();
    expect(await m.refused('restoreVirtualMachine', { virtualmachineid: id })).toEqual([
      431,
      expect.stringContaining("template 'gone', from which the machine was made, was deleted"),
    ]);
  });
});

describe('getVirtualMachineConsoleLog', () => {
  test('is empty for a machine that has not run', async () => {
    const id = await m.vm('Stopped');
    expect((await log(id)).inner.consolelog).toEqual({
      virtualmachineid: id,
      output: '',
      truncated: false,
      size: 0,
    });
    expect(m.lab.orchestration.asked).toEqual([]);
  });

  test('is the end of what the guest wrote, as text', async () => {
    const id = await m.vm('Running');
    const text = 'grün \u001B[31mred\u0000\n';
    m.lab.orchestration.log = { v: 1, output: Buffer.from(text).toString('base64'), size: 100_000 };
    expect((await log(id)).inner.consolelog).toEqual({
      virtualmachineid: id,
      output: text,
      truncated: true,
      size: 100_000,
    });
    const [{ what, args } = { what: '', args: [] }] = m.lab.orchestration.asked;
    expect([what, ...args.slice(0, 2)]).toEqual(['consoleLog', { vmId: id, hostId: m.host.hostId }, 65_536]);
    m.lab.orchestration.log = { v: 1, output: Buffer.from([0xff, 0x41]).toString('base64'), size: 2 };
    expect((await log(id)).inner.consolelog).toMatchObject({ output: '\u{FFFD}A', truncated: false });
    expect((await log(id, {}, m.lab.other)).status).toBe(431);
    expect((await log(id, { bytes: 65_537 })).status).toBe(431);
  });

  test('says that the host does not answer, and names it to administrators only', async () => {
    const id = await m.vm('Running');
    for (const [who, hostid] of [
      [m.lab.user, undefined],
      [m.lab.admin, m.host.hostId],
    ] as const) {
      const { status, inner, text } = await log(id, {}, who);
      expect([status, inner.hostid]).toEqual([534, hostid]);
      expect(text.includes(m.host.name)).toBe(false);
    }
    m.lab.orchestration.log = { v: 1, output: '', size: 0, problem: 'there is no log' };
    expect((await log(id)).inner.errortext).toBe('The log cannot be read: there is no log; try again later.');
  });
});

describe('what Bypass has not', () => {
  test('affinity groups: an empty list is taken', async () => {
    const id = await m.vm('Stopped');
    const { jobid } = await m.lab.user.ok('updateVMAffinityGroup', { id, affinitygroupids: '' });
    expect((await m.lab.user.ok('queryAsyncJobResult', { jobid })).jobresult.virtualmachine.id).toBe(id);
    expect((await m.refused('updateVMAffinityGroup', { id, affinitygroupnames: 'apart' }))[1]).toContain(
      'Invalid parameter affinitygroupnames value=apart',
    );
  });

  test('migration says what to do instead', async () => {
    const { status, inner } = await m.lab.admin.call('migrateVirtualMachine', { virtualmachineid: NONE });
    expect([status, inner.errortext]).toEqual([
      432,
      expect.stringContaining('startVirtualMachine with hostid'),
    ]);
  });
});

describe('tags of machines', () => {
  test.each(['UserVm', 'userVm'])('are set, listed and removed with the type %s', async (resourcetype) => {
    const id = await m.vm('Stopped');
    const given = { resourceids: id, resourcetype };
    const { jobid } = await m.lab.user.ok('createTags', {
      ...given,
      'tags[0].key': 'env',
      'tags[0].value': 'test',
    });
    expect((await m.lab.user.ok('queryAsyncJobResult', { jobid })).jobresult).toEqual({ success: true });
    const tag = { key: 'env', value: 'test', resourcetype: 'UserVm', resourceid: id, account: 'alice' };
    expect((await m.lab.user.ok('listTags', { resourceid: id })).tag).toEqual([expect.objectContaining(tag)]);
    expect((await m.lab.user.ok('listTags', { resourcetype, resourceid: id })).count).toBe(1);
    expect(await m.lab.user.ok('listTags', { resourcetype: 'ISO', resourceid: id })).toEqual({});
    expect((await m.shown(id)).tags).toEqual([expect.objectContaining(tag)]);
    const found = { 'tags[0].key': 'env', 'tags[0].value': 'test', id };
    expect((await m.lab.user.ok('listVirtualMachines', found)).count).toBe(1);
    expect((await m.lab.other.call('createTags', { ...given, 'tags[0].a': 'b' })).status).toBe(431);
    await m.lab.user.ok('deleteTags', { ...given, 'tags[0].key': 'env' });
    expect((await m.shown(id)).tags).toEqual([]);
  });
});

describe('what machines use', () => {
  test('is said when their template or their ISO is deleted, and an account that has machines stays', async () => {
    const carol = await m.lab.newUser('carol2', 'user');
    const { templateId } = await m.lab.template(carol, { name: 'base' });
    const id = await m.vm('Stopped', carol, { templateid: templateId });
    await m.vm('Destroyed', carol, { templateid: templateId });
    const { jobid, displaytext } = await carol.ok('deleteTemplate', { id: templateId });
    const words = '2 virtual machines use it: its copies there stay until the last of them is gone';
    expect([displaytext, typeof jobid]).toEqual([words, 'string']);
    const [event] = (await carol.ok('listEvents', { resourceid: templateId, type: 'TEMPLATE.DELETE' })).event;
    expect(event.description).toBe(`Template 'base' is to be deleted; ${words}`);
    await m.lab.db
      .updateTable('vm_template')
      .set({ removed: new Date() })
      .where('uuid', '=', templateId)
      .execute();
    const refused = await m.refused('deleteAccount', { id: carol.accountUuid }, m.lab.admin);
    expect(refused).toEqual([431, expect.stringContaining('2 virtual machines; expunge them first')]);
    expect((await m.shown(id)).templatename).toBe('base');
    const { templateId: unused } = await m.lab.template(carol);
    expect((await carol.ok('deleteTemplate', { id: unused })).displaytext).toBeUndefined();
  });
});
