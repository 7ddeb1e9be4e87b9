/** deployVirtualMachine: what it writes and what it answers. */
import { sql } from 'kysely';
import { openUserData, openVmSecrets } from '../../db/vms/secrets.ts';
import { addHost, poolReport } from '../labs/api.ts';
import type { Json } from '../labs/api.ts';
import { addNetwork, ascending, type Machines, openMachines } from './machines.ts';

let m: Machines;
beforeAll(async () => {
  m = await openMachines();
});
afterAll(() => m.lab.close());

const NONE = '00000000-0000-4000-8000-000000000000';

const zoneKey = async (uuid: string): Promise<number> =>
  (await m.lab.db.selectFrom('data_center').where('uuid', '=', uuid).select('id').executeTakeFirstOrThrow())
    .id;

describe('a deployment', () => {
  test('answers id and jobid at once, writes machine, disk and card, and starts the workflow', async () => {
    const answer = await m.deploy(m.lab.user, { name: 'web1', displayname: 'Web one', group: 'web' });
    expect(answer).toEqual({ id: expect.any(String), jobid: expect.any(String) });
    const { id } = answer;
    const row = await m.row(id);
    expect(row).toMatchObject({
      name: 'web1',
      display_name: 'Web one',
      instance_name: `i-${m.lab.user.accountId}-${row.id}-${id.slice(0, 8)}`,
      account_id: m.lab.user.accountId,
      cpu: 1,
      speed: 500,
      ram_size: 512,
      state: 'Stopped',
      host_id: null,
    });
    const volume = await m.volume(id);
    expect(volume).toMatchObject({
      volume_type: 'ROOT',
      state: 'Allocated',
      size: 21_474_836_480,
      pool_id: null,
    });
    expect(volume.template_id).toBe(row.template_id);
    const shown = await m.shown(id, m.lab.user);
    expect(shown.nic).toEqual([
      expect.objectContaining({
        networkid: m.network,
        isdefault: true,
        deviceid: '0',
        macaddress: expect.stringMatching(/^02(?::[0-9a-f]{2}){5}$/),
      }),
    ]);
    expect(shown).toMatchObject({ group: 'web', jobid: answer.jobid, jobstatus: 0, tags: [] });
    expect(m.lab.orchestration.of('requestVm')).toEqual([id]);
    const job = await m.lab.db
      .selectFrom('async_job')
      .where('uuid', '=', answer.jobid)
      .selectAll()
      .executeTakeFirst();
    expect(job).toMatchObject({
      job_cmd: 'deployVirtualMachine',
      instance_type: 'VirtualMachine',
      instance_uuid: id,
      job_params: {},
      job_status: 0,
    });
    const [event] = (await m.lab.user.ok('listEvents', { resourceid: id })).event;
    expect(event).toMatchObject({ type: 'VM.CREATE', state: 'Scheduled', resourcename: 'web1' });
  });

  test('ends as a job whose result has the machine, and nothing besides', async () => {
    const { id, jobid } = await m.deploy();
    const running = await m.lab.user.ok('queryAsyncJobResult', { jobid });
    expect([running.jobstatus, running.jobresult]).toEqual([0, undefined]);
    await m.settle(id, 'Running');
    for (const [who, hostname] of [
      [m.lab.user, undefined],
      [m.lab.admin, m.host.name],
    ] as const) {
      const job = await who.ok('queryAsyncJobResult', { jobid });
      expect(Object.keys(job.jobresult)).toEqual(['virtualmachine']);
      expect(job.jobresult.virtualmachine).toMatchObject({
        id,
        state: 'Running',
        nic: [{ isdefault: true }],
      });
      expect(job.jobresult.virtualmachine.hostname).toBe(hostname);
    }
    const { asyncjobs } = await m.lab.user.ok('listAsyncJobs', {
      resourceid: id,
      resourcetype: 'VirtualMachine',
    });
    expect(asyncjobs[0].jobresult.virtualmachine.id).toBe(id);
  });

  test('without a name is called by its id, and shows that name', async () => {
    const { id } = await m.deploy();
    expect(await m.shown(id)).toMatchObject({ name: `VM-${id}`, displayname: `VM-${id}` });
  });

  test('with startvm=false asks the workflow not to start it', async () => {
    const { jobid } = await m.deploy(m.lab.user, { startvm: 'False' });
    const job = await m.lab.db
      .selectFrom('async_job')
      .where('uuid', '=', jobid)
      .select('job_params')
      .executeTakeFirst();
    expect(job?.job_params).toEqual({ start: false });
  });

  test('waits for an image of which no size is known, and is not refused', async () => {
    const { templateId } = await m.lab.template(m.lab.user, { name: 'packed' });
    await m.lab.db
      .updateTable('vm_template')
      .set({ size: 0, virtual_size: 0 })
      .where('uuid', '=', templateId)
      .execute();
    const { id } = await m.deploy(m.lab.user, { templateid: templateId });
    expect((await m.volume(id)).size).toBe(0);
  });

  test('from an ISO gets an empty disk, and the ISO is attached', async () => {
    const { id } = await m.deploy(m.lab.user, { templateid: m.iso, rootdisksize: 5 });
    expect(await m.volume(id)).toMatchObject({ template_id: null, size: 5 * 2 ** 30 });
    expect(await m.shown(id)).toMatchObject({
      templateid: m.iso,
      templatename: 'installer',
      isoid: m.iso,
      isoname: 'installer',
    });
  });

  test('takes the size of a custom disk offering for an ISO from size', async () => {
    const custom = await m.lab.db
      .selectFrom('disk_offering')
      .where('name', '=', 'Custom')
      .select('uuid')
      .executeTakeFirstOrThrow();
    const { id } = await m.deploy(m.lab.user, { templateid: m.iso, diskofferingid: custom.uuid, size: 7 });
    expect((await m.volume(id)).size).toBe(7 * 2 ** 30);
    expect((await m.shown(id)).diskofferingname).toBe('Custom');
  });

  test('takes a larger disk; the detail goes before the parameter', async () => {
    const { id } = await m.deploy(m.lab.user, { rootdisksize: 30, 'details[0].rootdisksize': '40' });
    expect((await m.volume(id)).size).toBe(40 * 2 ** 30);
  });

  test('answers boot words as clients have them in their configuration', async () => {
    const { id } = await m.deploy(m.lab.user, { boottype: 'uefi', bootmode: 'secure' });
    expect(await m.shown(id)).toMatchObject({ boottype: 'UEFI', bootmode: 'Secure' });
    const { id: plain } = await m.deploy();
    expect((await m.shown(plain)).bootmode).toBeUndefined();
  });

  test('of an administrator for an account belongs to that account', async () => {
    const { id } = await m.deploy(m.lab.admin, { account: 'bob', hostid: m.host.hostId });
    expect(await m.shown(id, m.lab.other)).toMatchObject({ account: 'bob', username: 'root' });
    const host = await m.lab.db
      .selectFrom('host')
      .where('uuid', '=', m.host.hostId)
      .select('id')
      .executeTakeFirstOrThrow();
    expect((await m.row(id)).wanted_host_id).toBe(host.id);
  });

  test('as POST with maps in the form of one index per key, as Terraform sends them', async () => {
    const { uuid: offering } = await m.lab.db
      .insertInto('service_offering')
      .values({ name: 'any', display_text: 'any', customized: true, cpu: null, speed: null, ram_size: null })
      .returning('uuid')
      .executeTakeFirstOrThrow();
    const { id } = await m.lab.user.ok(
      'deployVirtualMachine',
      m.given({
        serviceofferingid: offering,
        'details[0].cpuNumber': 3,
        'details[1].memory': 2048,
        networkids: '',
        keypair: '',
        userdata: '',
      }),
      { post: true },
    );
    expect(await m.row(id)).toMatchObject({ cpu: 3, speed: 1000, ram_size: 2048 });
    expect((await m.shown(id)).details).toEqual({ cpuNumber: '3', memory: '2048' });
  });

  test('orders the cards as they are asked for, with the addresses that are given', async () => {
    const second = await addNetwork(m.lab, { name: 'storage' });
    const { id } = await m.deploy(m.lab.user, {
      'iptonetworklist[1].networkid': m.network,
      'iptonetworklist[0].networkid': second,
      'iptonetworklist[0].ip': '192.0.2.10',
      'iptonetworklist[0].mac': '02:00:4C:4F:4F:50',
    });
    const { nic } = await m.shown(id);
    expect(nic.map(({ networkid, isdefault }: Json) => [networkid, isdefault])).toEqual([
      [second, true],
      [m.network, false],
    ]);
    expect(nic[0]).toMatchObject({ ipaddress: '192.0.2.10', macaddress: '02:00:4c:4f:4f:50' });
    expect(nic[1].ipaddress).toBeUndefined();
    expect(await m.refusal({ networkids: second, ipaddress: '192.0.2.10' })).toEqual([
      431,
      expect.stringContaining("which another machine of network 'storage' has"),
    ]);
    expect(await m.refusal({ networkids: second, macaddress: '02:00:4c:4f:4f:50' })).toEqual([
      431,
      expect.stringContaining('which another machine has'),
    ]);
    await m.lab.db
      .deleteFrom('nics')
      .where('network_id', '=', sql<number>`(select id from networks where uuid = ${second})`)
      .execute();
    await m.lab.db.deleteFrom('networks').where('uuid', '=', second).execute();
  });

  test('of the first machine of a zone makes a network for everybody, and one alone for calls at once', async () => {
    const { zone } = await m.lab.admin.ok('createZone', { name: 'empty' });
    const { templateId } = await m.lab.template(m.lab.admin, { isPublic: true, zoneIds: [zone.id] });
    await addHost(
      { db: m.lab.db, zone: { ...m.lab.zone, uuid: zone.id, name: 'empty', id: await zoneKey(zone.id) } },
      { name: 'kvm-2', pools: [poolReport('pool2')] },
    );
    const given = { zoneid: zone.id, templateid: templateId };
    const made = await Promise.all([m.deploy(m.lab.user, given), m.deploy(m.lab.other, given)]);
    const cards = await Promise.all(made.map(async ({ id }) => (await m.shown(id)).nic));
    expect(cards.map((nic: Json) => nic[0].networkname)).toEqual(['guest', 'guest']);
    expect(new Set(cards.map((nic: Json) => nic[0].networkid)).size).toBe(1);
    const { network } = await m.lab.user.ok('listNetworks', { zoneid: zone.id });
    expect(network).toEqual([expect.objectContaining({ name: 'guest', type: 'L2', acltype: 'Domain' })]);
  });

  test('keeps names unique and cards apart when many come at once', async () => {
    const results = await Promise.all(
      Array.from({ length: 6 }, () => m.lab.user.call('deployVirtualMachine', m.given({ name: 'once' }))),
    );
    expect(results.map(({ status }) => status).toSorted(ascending)).toEqual([200, 431, 431, 431, 431, 431]);
    const macs = await m.lab.db.selectFrom('nics').select('mac_address').execute();
    expect(new Set(macs.map(({ mac_address }) => mac_address)).size).toBe(macs.length);
  });
});

describe('user data and keys', () => {
  const text = '#cloud-config\nhostname: größe?>\n';
  const base64 = Buffer.from(text).toString('base64');

  test.each([
    ['plain', base64],
    ['without padding', base64.replace(/=+$/, '')],
    ['with the characters of URLs', Buffer.from(text).toString('base64url')],
    ['with line breaks', `${base64.slice(0, 10)}\r\n${base64.slice(10)}`],
    ['escaped once more', encodeURIComponent(base64)],
  ])('%s is kept sealed, and as one form of base64', async (_form, userdata) => {
    const { id } = await m.deploy(m.lab.user, { userdata });
    const row = await m.row(id);
    expect(row.user_data_sealed).not.toContain(base64);
    expect(await openUserData(m.lab.masterKey, row)).toBe(base64);
    const sealed = { userData: row.user_data_sealed, vncPassword: row.vnc_password_sealed };
    expect(await openVmSecrets(m.lab.masterKey, id, { ...sealed, userDataDetails: null })).toEqual({
      userData: base64,
      vncPassword: expect.stringMatching(/^[A-Za-z2-9]{8}$/),
    });
    expect((await m.shown(id, m.lab.user)).userdata).toBeUndefined();
    const { virtualmachine } = await m.lab.user.ok('listVirtualMachines', { id, userdata: true });
    expect(virtualmachine[0].userdata).toBe(base64);
  });

  test.each([
    [{ userdata: 'no base64!' }, 'User data is not base64 encoded'],
    [{ userdata: 'A' }, 'User data is not base64 encoded'],
    [{ userdata: '%zz' }, 'User data is not base64 encoded'],
    [{ userdata: '====' }, 'User data is too short'],
    [
      { userdata: 'QUFB', userdataid: NONE },
      'Both userdata and userdata ID inputs are not allowed, please provide only one',
    ],
    [{ keypair: 'mine', keypairs: 'other' }, 'Not all specified keyparis exist'],
  ])('%j is refused: %s', async (changes, sentence) => {
    expect(await m.refusal(changes)).toEqual([431, sentence]);
  });

  test('values of its variables are sealed, answered as JSON, and replaced', async () => {
    const variables = { 'userdatadetails[0].site': 'east', 'userdatadetails[1].password': 'hunter2' };
    const { id } = await m.deploy(m.lab.user, { userdata: base64, ...variables });
    const { user_data_details_sealed } = await m.row(id);
    expect(user_data_details_sealed).not.toContain('hunter2');
    const sealed = { userData: null, vncPassword: null, userDataDetails: user_data_details_sealed };
    expect(await openVmSecrets(m.lab.masterKey, id, sealed)).toEqual({
      userDataDetails: { site: 'east', password: 'hunter2' },
      vncPassword: '',
    });
    const details = async (): Promise<unknown> => (await m.shown(id, m.lab.user)).userdatadetails;
    expect(JSON.parse(String(await details()))).toEqual({ site: 'east', password: 'hunter2' });
    await m.lab.user.ok('updateVirtualMachine', { id, 'userdatadetails[0].site': 'west' });
    expect(JSON.parse(String(await details()))).toEqual({ site: 'west' });
  });

  test.each(['instance-id', 'public-keys', 'seedfrom', 'placement'])(
    "a variable '%s' is refused: cloud-init has it itself",
    async (name) => {
      const [code, sentence] = await m.refusal({ [`userdatadetails[0].${name}`]: 'x' });
      expect(code).toBe(431);
      expect(sentence).toContain(`names a variable '${name}'`);
    },
  );

  test('of 4096 characters is refused by GET', async () => {
    expect(await m.refusal({ userdata: 'QUFB'.repeat(1024) })).toEqual([
      431,
      'User data is too long for an http GET request',
    ]);
  });

  test('of more characters than the setting allows is refused by POST as well', async () => {
    const call = (length: number) =>
      m.lab.user.call('deployVirtualMachine', m.given({ userdata: 'QUFB'.repeat(length / 4) }), {
        post: true,
      });
    const refused = await call(32_772);
    expect([refused.status, refused.inner.errortext]).toEqual([
      431,
      'User data has exceeded configurable max length : 32768',
    ]);
    expect((await call(32_768)).status).toBe(200);
    await m.lab.admin.ok('updateConfiguration', { name: 'vm.userdata.max.length', value: 1_048_576 });
    expect((await call(1_000_000)).status).toBe(200);
    expect((await call(1_048_576)).inner.errortext).toBe('User data is too long for an http POST request');
    await m.lab.admin.ok('resetConfiguration', { name: 'vm.userdata.max.length' });
  });

  test('key pairs are those of the owner, and shown as one text', async () => {
    for (const [name, owner] of [
      ['one', m.lab.user],
      ['two', m.lab.user],
      ['of bob', m.lab.other],
    ] as const)
      await m.lab.db
        .insertInto('ssh_keypair')
        .values({ account_id: owner.accountId, name, public_key: `ssh-ed25519 ${name}`, fingerprint: name })
        .execute();
    const { id } = await m.deploy(m.lab.user, { keypair: 'two', keypairs: 'one,two' });
    expect((await m.shown(id)).keypairs).toBe('two,one');
    expect((await m.row(id)).public_keys).toEqual(['ssh-ed25519 two', 'ssh-ed25519 one']);
    expect(await m.refusal({ keypair: 'of bob' })).toEqual([431, 'Not all specified keyparis exist']);
  });
});
