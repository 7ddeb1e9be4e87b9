/** What deployVirtualMachine refuses, in which words and in which order; the limits of accounts. */
import type { Caller, Parameters } from '../labs/api.ts';
import { addNetwork, ascending, type Machines, openMachines } from './machines.ts';

let m: Machines;
beforeAll(async () => {
  m = await openMachines();
});
afterEach(async () => {
  m.lab.orchestration.forget();
  // What some tests change for a while.
  await m.lab.db.updateTable('host').set({ resource_state: 'Enabled' }).execute();
  await m.lab.db.updateTable('data_center').set({ allocation_state: 'Enabled' }).execute();
  await m.lab.db.updateTable('vm_template').set({ bootable: true }).where('uuid', '=', m.iso).execute();
});
afterAll(() => m.lab.close());

const NONE = '00000000-0000-4000-8000-000000000000';

describe('a deployment is refused in the words of CloudStack', () => {
  test.each<[Parameters, number, string]>([
    [{ zoneid: undefined }, 431, 'due to missing parameter zoneid'],
    [
      { serviceofferingid: NONE },
      431,
      `Invalid parameter serviceofferingid value=${NONE} due to incorrect long value format, or entity does not exist`,
    ],
    [{ templateid: NONE }, 431, `Invalid parameter templateid value=${NONE}`],
    [
      { hypervisor: 'VMware' },
      431,
      'Hypervisor passed to the deployVm call, is different from the hypervisor type of the template',
    ],
    [{ 'details[0].cpuNumber': '4' }, 431, 'is not customizable. This is predefined in the template.'],
    [{ 'details[0].extraconfig-1': '<x/>' }, 431, "'extraconfig' should not be included in details as key"],
    [{ rootdisksize: 0 }, 431, 'Root disk size should be a positive number.'],
    [
      { rootdisksize: 19 },
      431,
      'Unsupported: rootdisksize override (19 GB) is smaller than template size (20.00 GB) 21474836480',
    ],
    [{ diskofferingid: NONE }, 431, 'Parameter diskofferingid asks for a second disk'],
    [{ networkids: NONE }, 431, `Invalid parameter networkids value=${NONE}`],
    [{ boottype: 'OS/2' }, 431, 'Invalid bootType OS/2 Specified for vm'],
    [
      { boottype: 'UEFI' },
      431,
      'bootmode must be specified for the VM with boot type: UEFI. Valid values are: [LEGACY, SECURE]',
    ],
    [{ boottype: 'UEFI', bootmode: 'x' }, 431, 'Invalid bootmode: x specified for VM'],
    [{ name: '1web' }, 431, "Invalid name. Vm name can contain ASCII letters 'a' through 'z'"],
    [{ name: `a${'b'.repeat(63)}` }, 431, 'Invalid name.'],
    [{ name: 'web-' }, 431, 'Invalid name.'],
    [{ name: 'a b; rm -rf' }, 431, 'Invalid name.'],
    [{ macaddress: 'zz' }, 431, 'Mac address is not valid: zz'],
    [{ macaddress: '01:00:00:00:00:01' }, 431, 'Mac address is not unicast: 01:00:00:00:00:01'],
    [{ ipaddress: '300.1.1.1' }, 431, 'which is no IPv4 address'],
    [{ hostid: NONE }, 531, 'Parameter hostid can only be specified by a Root Admin, permission denied'],
    [
      { clusterid: NONE },
      531,
      'Parameter clusterid can only be specified by a Root Admin, permission denied',
    ],
    [
      { displayvm: false },
      531,
      'Parameter displayvm can only be specified by a Root Admin, permission denied',
    ],
    [{ account: 'bob' }, 531, "Parameter account is 'bob', which is not yours"],
    [{ affinitygroupnames: 'apart' }, 431, 'Invalid parameter affinitygroupnames value=apart'],
    [{ extraconfig: 'x' }, 431, 'Parameter extraconfig is not taken'],
  ])('%j', async (changes, code, sentence) => {
    expect(await m.refusal(changes)).toEqual([code, expect.stringContaining(sentence)]);
  });

  test('an ISO without a size, with a disk offering that has none, or that does not boot', async () => {
    expect(await m.refusal({ templateid: m.iso })).toEqual([
      431,
      'Installing from ISO requires a disk offering to be specified for the root disk.',
    ]);
    const { diskoffering } = await m.lab.user.ok('listDiskOfferings', { name: 'Custom' });
    expect(await m.refusal({ templateid: m.iso, diskofferingid: diskoffering[0].id })).toEqual([
      431,
      "Parameter size is missing: disk offering 'Custom' leaves the size to you; give gigabytes.",
    ]);
    await m.lab.db.updateTable('vm_template').set({ bootable: false }).where('uuid', '=', m.iso).execute();
    expect(await m.refusal({ templateid: m.iso, rootdisksize: 3 })).toEqual([
      431,
      `Installing from ISO requires an ISO that is bootable: ${m.iso}`,
    ]);
  });

  test('a template of others, one that is registered elsewhere, and one that is still being registered', async () => {
    const { templateId: hidden } = await m.lab.template(m.lab.other);
    expect(await m.refusal({ templateid: hidden })).toEqual([
      431,
      expect.stringContaining('entity does not exist'),
    ]);
    const { zone } = await m.lab.admin.ok('createZone', { name: 'zone2' });
    const { templateId: elsewhere } = await m.lab.template(m.lab.user, { zoneIds: [zone.id] });
    expect(await m.refusal({ templateid: elsewhere })).toEqual([
      431,
      expect.stringContaining(`The template ${elsewhere} is not available for use`),
    ]);
    await m.lab.db
      .updateTable('vm_template')
      .set({ state: 'NotUploaded' })
      .where('uuid', '=', elsewhere)
      .execute();
    expect((await m.refusal({ templateid: elsewhere }))[1]).toContain('it is still being registered');
    expect(await m.refusal({ zoneid: zone.id })).toEqual([
      431,
      'There are no available pools in the UP state for vm deployment',
    ]);
  });

  test('networks: of others, of another zone, two without a word, and both ways at once', async () => {
    const others = await addNetwork(m.lab, { name: 'bobs', owner: m.lab.other, acl_type: 'Account' });
    expect(await m.refusal({ networkids: others })).toEqual([
      531,
      `Unable to use network with id= ${others}, permission denied`,
    ]);
    const second = await addNetwork(m.lab, { name: 'second' });
    expect(await m.refusal({})).toEqual([431, 'At least 1 default network has to be specified for the vm']);
    expect(await m.refusal({ networkids: m.network, 'iptonetworklist[0].networkid': second })).toEqual([
      431,
      "ipToNetworkMap can't be specified along with networkIds or ipAddress",
    ]);
    const zone = await m.lab.db
      .selectFrom('data_center')
      .where('name', '=', 'zone2')
      .select('id')
      .executeTakeFirstOrThrow();
    const far = await addNetwork(m.lab, { name: 'far', data_center_id: zone.id });
    expect((await m.refusal({ networkids: far }))[1]).toBe(
      `Network id=${far} doesn't belong to zone ${m.lab.zone.uuid}`,
    );
    await m.lab.db.deleteFrom('networks').where('uuid', 'in', [others, second, far]).execute();
  });

  test('a name that a machine of the network has, also one that is destroyed', async () => {
    const { id } = await m.deploy(m.lab.user, { name: 'taken' });
    await m.settle(id, 'Destroyed');
    expect(await m.refusal({ name: 'taken' }, m.lab.other)).toEqual([
      431,
      'The vm with hostName taken already exists in the network domain: null; network=lan',
    ]);
  });

  test('a host that is Down, and a zone that is disabled, which administrators may use', async () => {
    await m.lab.db
      .updateTable('host')
      .set({ resource_state: 'Disabled' })
      .where('uuid', '=', m.host.hostId)
      .execute();
    expect(await m.refusal({ hostid: m.host.hostId }, m.lab.admin)).toEqual([
      431,
      `Unable to deploy the VM as the host: ${m.host.name} is not in the right state`,
    ]);
    await m.lab.db.updateTable('data_center').set({ allocation_state: 'Disabled' }).execute();
    expect(await m.refusal({})).toEqual([531, expect.stringContaining('Zone is currently disabled')]);
    await m.deploy(m.lab.admin);
  });

  test('a call with several faults names that which CloudStack finds first', async () => {
    const faults: readonly (readonly [Parameters, string])[] = [
      [{ hypervisor: 'VMware' }, 'Hypervisor passed'],
      [{ 'details[0].memory': '7' }, 'is not customizable'],
      [{ rootdisksize: 1 }, 'Unsupported: rootdisksize'],
      [{ userdata: '!' }, 'User data is not base64'],
      [{ keypair: 'none' }, 'Not all specified keyparis'],
      [{ networkids: NONE }, 'Invalid parameter networkids'],
      [{ name: '-' }, 'Invalid name'],
    ];
    for (const [at, [, sentence]] of faults.entries()) {
      const all = Object.assign({}, ...faults.slice(at).map(([fault]) => fault)) as Parameters;
      expect((await m.refusal(all))[1]).toContain(sentence);
    }
  });
});

describe('the bounds of an offering', () => {
  test.each<[Parameters, string]>([
    [{}, 'Need to specify custom parameter values cpu, cpu speed and memory when using custom offering'],
    [
      { 'details[0].cpuNumber': 9, 'details[0].memory': 512 },
      'Invalid cpu cores value, specify a value between 2 and 8',
    ],
    [
      { 'details[0].cpuNumber': 2, 'details[0].memory': 16 },
      'Invalid memory value, specify a value between 32 and 4096',
    ],
  ])('%j', async (details, sentence) => {
    const { uuid } = await m.lab.db
      .insertInto('service_offering')
      .values({
        name: 'within',
        display_text: 'within',
        customized: true,
        speed: 1000,
        min_cpu: 2,
        max_cpu: 8,
        max_memory: 4096,
      })
      .returning('uuid')
      .executeTakeFirstOrThrow();
    expect(await m.refusal({ serviceofferingid: uuid, ...details })).toEqual([431, sentence]);
  });

  test('its own size of the disk goes before that of the user', async () => {
    const { uuid } = await m.lab.db
      .insertInto('service_offering')
      .values({ name: 'sized', display_text: 'sized', cpu: 1, speed: 100, ram_size: 128, root_disk_size: 25 })
      .returning('uuid')
      .executeTakeFirstOrThrow();
    const { id } = await m.deploy(m.lab.user, { serviceofferingid: uuid, rootdisksize: 30 });
    expect((await m.volume(id)).size).toBe(25 * 2 ** 30);
  });
});

const limit = (resourcetype: number, max: number) =>
  m.lab.admin.ok('updateResourceLimit', { account: 'carol', resourcetype, max });

describe('limits of the account', () => {
  let carol: Caller;
  beforeAll(async () => {
    carol = await m.lab.newUser('carol', 'user');
    const { id } = await m.deploy(carol);
    await m.settle(id, 'Running');
  });

  test.each<[number, string, number, number, string]>([
    [0, 'user_vm', 1, 2, '1 of 1, and this needs 1 more'],
    [8, 'cpu', 1, 2, '1 of 1, and this needs 1 more'],
    [9, 'memory', 1023, 1024, '512 of 1023, and this needs 512 more'],
    [2, 'volume', 1, 2, '1 of 1, and this needs 1 more'],
    [10, 'primary_storage', 39, 40, '21474836480 of 41875931136, and this needs 21474836480 more'],
  ])('%i, %s', async (type, name, least, enough, numbers) => {
    await limit(type, least);
    expect(await m.refusal({}, carol)).toEqual([
      535,
      expect.stringMatching(
        new RegExp(
          `^Maximum number of resources of type '${name}' for account name=carol in domain id=[-0-9a-f]+ has been exceeded: it has ${numbers}\\.$`,
        ),
      ),
    ]);
    await limit(type, enough);
    const { id } = await m.deploy(carol);
    await m.settle(id, 'Destroyed');
    expect((await m.lab.other.ok('listResourceLimits', {})).resourcelimit).toHaveLength(6);
    expect((await carol.ok('listResourceLimits', { resourcetype: type })).resourcelimit).toEqual([
      expect.objectContaining({ resourcetypename: name, max: enough }),
    ]);
    await limit(type, -1);
  });

  test('count the disk that is asked for, not its image', async () => {
    await limit(10, 40);
    expect(await m.refusal({ rootdisksize: 21 }, carol)).toEqual([
      535,
      expect.stringContaining('21474836480 of 42949672960, and this needs 22548578304 more'),
    ]);
    await limit(10, -1);
  });

  test('are told with what it has, by listAccounts', async () => {
    await limit(10, 39);
    const { account } = await m.lab.admin.ok('listAccounts', { name: 'carol' });
    expect(account).toEqual([
      expect.objectContaining({
        vmlimit: 'Unlimited',
        vmtotal: 1,
        vmavailable: 'Unlimited',
        vmrunning: 1,
        vmstopped: 0,
        cputotal: 1,
        memorytotal: 512,
        volumetotal: 1,
        primarystoragelimit: '39',
        primarystoragetotal: 20,
        primarystorageavailable: '19',
        templatetotal: 0,
      }),
    ]);
    await limit(10, -1);
    expect((await m.lab.user.ok('listAccounts', {})).account[0]).toMatchObject({
      vmtotal: expect.any(Number),
    });
  });

  test('hold for calls at once', async () => {
    await limit(0, 3);
    const replies = await Promise.all(
      Array.from({ length: 5 }, () => carol.call('deployVirtualMachine', m.given())),
    );
    expect(replies.map(({ status }) => status).toSorted(ascending)).toEqual([200, 200, 535, 535, 535]);
    await limit(0, -1);
  });
});
