import { findInvite } from '../../db/hosts/invites.ts';
import { recordEvent } from '../../db/events/events.ts';
import { checkProof, proofOf } from '../../trust/invite.ts';
import { addHost, deploy, openLab, poolReport } from '../labs/api.ts';
import type { Caller, Json, Lab, Parameters } from '../labs/api.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab.close());

const eventsOf = async (resourceid: string): Promise<readonly Json[]> =>
  (await lab.admin.ok('listEvents', { resourceid })).event ?? [];

/** The number of database queries that one list takes. */
async function queriesOf(command: string): Promise<number> {
  lab.queries();
  await lab.admin.ok(command);
  return lab.queries();
}

describe('hosts', () => {
  test('are listed with their state, by every filter', async () => {
    const up = await addHost(lab, { name: 'kvm-up', pools: [] });
    await addHost(lab, { name: 'kvm-down', pools: [], up: false });
    await addHost(lab, { name: 'kvm-new', pools: [], state: 'Disabled' });
    const names = async (parameters: Parameters): Promise<readonly string[]> =>
      ((await lab.admin.ok('listHosts', parameters)).host ?? []).map(({ name }: Json) => name as string);
    expect(await names({})).toEqual(['kvm-down', 'kvm-new', 'kvm-up']);
    expect(await names({ state: 'Up' })).toEqual(['kvm-new', 'kvm-up']);
    expect(await names({ state: 'down' })).toEqual(['kvm-down']);
    expect(await names({ resourcestate: 'Disabled' })).toEqual(['kvm-new']);
    expect(
      await names({ name: 'kvm-up', zoneid: lab.zone.uuid, type: 'Routing', hypervisor: 'KVM' }),
    ).toEqual(['kvm-up']);
    expect(await names({ type: 'SecondaryStorageVM' })).toEqual([]);
    expect(await names({ keyword: 'new' })).toEqual(['kvm-new']);
    const [{ id, clusterid }] = (await lab.admin.ok('listHosts', { name: 'kvm-up' })).host;
    expect(await names({ clusterid })).toHaveLength(3);
    expect((await lab.admin.ok('listHosts', { id })).host[0]).toEqual({
      id: up.hostId,
      name: 'kvm-up',
      state: 'Up',
      resourcestate: 'Enabled',
      type: 'Routing',
      hypervisor: 'KVM',
      zoneid: lab.zone.uuid,
      zonename: 'zone1',
      clusterid,
      clustername: 'cluster1',
      podid: expect.any(String),
      podname: 'cluster1',
      ipaddress: '192.0.2.7',
      version: '0.1.0',
      fingerprint: expect.stringMatching(/^SHA256:[A-Za-z0-9+/]{43}$/),
      program: [{ name: 'qemu-img', version: '10.0', purpose: 'check images' }],
      lastpinged: expect.any(String),
      created: expect.any(String),
    });
  });

  test('are approved and disabled', async () => {
    const { hostId } = await addHost(lab, { name: 'kvm-approve', pools: [], state: 'Disabled' });
    const { host } = await lab.admin.ok('updateHost', { id: hostId, allocationstate: 'Enable' });
    expect(host).toMatchObject({ id: hostId, resourcestate: 'Enabled' });
    const off = await lab.admin.ok('updateHost', { id: hostId, allocationstate: 'disable' });
    expect(off.host.resourcestate).toBe('Disabled');
    expect((await eventsOf(hostId)).map(({ type }) => type as string)).toEqual([
      'HOST.DISABLE',
      'HOST.ENABLE',
    ]);
    const wrong = await lab.admin.call('updateHost', { id: hostId, allocationstate: 'Maybe' });
    expect(wrong.inner.errortext).toBe("Parameter allocationstate is 'Maybe'; give one of Enable, Disable.");
  });

  test('are limited, and set back to their own limits; their workers receive the limits', async () => {
    const { hostId: id } = await addHost(lab, { name: 'kvm-limit', pools: [] });
    const set = await lab.admin.ok('updateHost', { id, downloadlimit: 4, ratelimit: 50_000_000 });
    expect(set.host).toMatchObject({ downloadlimit: 4, ratelimit: 50_000_000 });
    expect(lab.orchestration.of('requestHostLimits')).toContain(id);
    const unlimited = await lab.admin.ok('updateHost', { id, ratelimit: 0 });
    expect(unlimited.host).toMatchObject({ downloadlimit: 4, ratelimit: 0 });
    const { host } = await lab.admin.ok('updateHost', { id, downloadlimit: -1, ratelimit: -1 });
    expect(host).not.toHaveProperty('downloadlimit');
    expect(host).not.toHaveProperty('ratelimit');
    expect((await eventsOf(id)).map(({ type, description }) => [type, description] as const)).toContainEqual([
      'HOST.LIMIT',
      "Limits of host 'kvm-limit' were set: 4 downloads at once, 50000000 bytes per second",
    ]);
    for (const wrong of [{ downloadlimit: 0 }, { ratelimit: -2 }, {}, { name: 'x' }]) {
      expect((await lab.admin.call('updateHost', { id, ...wrong })).status).toBe(431);
    }
    expect((await lab.user.call('updateHost', { id, downloadlimit: 9 })).status).toBe(401);
  });

  test('are tagged; properties that a host reports itself cannot be changed', async () => {
    const { hostId: id } = await addHost(lab, { name: 'kvm-tags', pools: [] });
    const { host } = await lab.admin.ok('updateHost', { id, hosttags: 'ssd, fast' });
    expect(host.hosttags).toBe('ssd,fast');
    expect((await lab.admin.ok('listHosts', { id })).host[0].hosttags).toBe('ssd,fast');
    expect((await eventsOf(id))[0].description).toBe("Host 'kvm-tags' is tagged ssd,fast");
    expect((await lab.admin.ok('updateHost', { id, hosttags: '' })).host).not.toHaveProperty('hosttags');
    expect((await lab.admin.call('updateHost', { id, name: 'other' })).inner.errortext).toMatch(
      /Parameter name is not taken: a host is called as its worker says/,
    );
  });

  test('are removed when they are down, with the pools that only they had', async () => {
    const own = poolReport('own');
    const shared = poolReport('both', { scope: 'CLUSTER', type: 'SharedMountPoint' });
    const dead = await addHost(lab, { name: 'kvm-dead', pools: [own, shared], up: false });
    await addHost(lab, { name: 'kvm-alive', pools: [shared] });
    const { templateId } = await lab.template(lab.user);
    await deploy(lab, { templateId, poolId: own.id }, { host: dead, pool: own });
    const answer = await lab.admin.ok('deleteHost', { id: dead.hostId });
    expect(answer).toEqual({
      success: true,
      displaytext: "Host 'kvm-dead' was forgotten, with its pools own",
    });
    expect((await lab.admin.call('listHosts', { id: dead.hostId })).status).toBe(431);
    expect((await lab.admin.call('listStoragePools', { id: own.id })).status).toBe(431);
    expect((await lab.admin.ok('listStoragePools', { id: shared.id })).count).toBe(1);
    expect(await lab.admin.ok('listTemplateDeployments', { templateid: templateId })).toEqual({});
    expect((await eventsOf(dead.hostId))[0]).toMatchObject({ type: 'HOST.DELETE' });
  });

  test('are removed while they are up only by force', async () => {
    const { hostId } = await addHost(lab, { name: 'kvm-live', pools: [] });
    const { status, inner } = await lab.admin.call('deleteHost', { id: hostId });
    expect([status, inner.errortext]).toEqual([536, expect.stringContaining("Host 'kvm-live' is Up")]);
    expect((await lab.admin.ok('deleteHost', { id: hostId, forced: true })).success).toBe(true);
    expect((await lab.admin.call('deleteHost', { id: hostId })).status).toBe(431);
  });
});

describe('invites', () => {
  test('have a token that admits a host; the stored value admits nobody', async () => {
    const { hostinvite } = await lab.admin.ok('createHostInvite', { zoneid: lab.zone.uuid, expireshours: 2 });
    expect(hostinvite).toEqual({
      id: expect.any(String),
      token: expect.stringContaining(hostinvite.id),
      expires: expect.stringMatching(/\+0000$/),
      zoneid: lab.zone.uuid,
    });
    const use = { hostId: '00000000-0000-4000-8000-000000000000', zoneId: lab.zone.id };
    const invite = await findInvite(lab.db, hostinvite.id, use);
    const { proof } = proofOf(hostinvite.token, 'text');
    expect(checkProof(invite?.secretHash ?? '', 'text', proof)).toBe(true);
    const hours = (Date.parse(hostinvite.expires.replace('+0000', 'Z')) - Date.now()) / 3_600_000;
    expect(Math.round(hours)).toBe(2);
    const rows = await lab.db.selectFrom('host_invite').selectAll().execute();
    expect(JSON.stringify(rows)).not.toContain(hostinvite.token.split('.')[1]);
    expect(JSON.stringify(await eventsOf(hostinvite.id))).not.toContain(hostinvite.token.split('.')[1]);
  });

  test('are for a day and any zone by default', async () => {
    const { hostinvite } = await lab.admin.ok('createHostInvite');
    expect(hostinvite).not.toHaveProperty('zoneid');
    const hours = (Date.parse(hostinvite.expires.replace('+0000', 'Z')) - Date.now()) / 3_600_000;
    expect(Math.round(hours)).toBe(24);
    const { inner } = await lab.admin.call('createHostInvite', { expireshours: 0 });
    expect(inner.errortext).toContain("Parameter expireshours is '0'; give a whole number from 1");
  });
});

describe('storage pools', () => {
  test('are listed with sizes and hosts, and why a host does not mount them', async () => {
    const pool = poolReport('nfs1', { type: 'NetworkFilesystem', scope: 'ZONE' });
    const one = await addHost(lab, { name: 'nfs-1', pools: [pool] });
    const two = await addHost(lab, {
      name: 'nfs-2',
      pools: [
        { ...pool, path: '/other', mounted: false, problem: 'the marker is absent', free: 0, capacity: 0 },
      ],
      up: false,
    });
    const { templateId } = await lab.template(lab.user);
    await lab.db
      .insertInto('template_spool_ref')
      .columns(['template_id', 'pool_id'])
      .expression((eb) =>
        eb
          .selectFrom(['vm_template as t', 'storage_pool as p'])
          .where('t.uuid', '=', templateId)
          .where('p.uuid', '=', pool.id)
          .select(['t.id', 'p.id as pool']),
      )
      .execute();
    await lab.db
      .insertInto('pool_reservation')
      .columns(['copy_id', 'pool_id', 'bytes'])
      .expression((eb) =>
        eb
          .selectFrom('template_spool_ref as c')
          .innerJoin('storage_pool as p', 'p.id', 'c.pool_id')
          .where('p.uuid', '=', pool.id)
          .select(['c.id', 'c.pool_id', eb.val(5000).as('bytes')]),
      )
      .execute();
    const listed = await lab.admin.ok('listStoragePools', { name: 'nfs1' });
    expect([listed.count, listed.storagepool[0]]).toEqual([
      1,
      {
        id: pool.id,
        name: 'nfs1',
        zoneid: lab.zone.uuid,
        zonename: 'zone1',
        type: 'NetworkFilesystem',
        scope: 'ZONE',
        state: 'Up',
        path: '/pools/nfs1',
        hypervisor: 'KVM',
        disksizetotal: 1_000_000_000,
        disksizeused: 600_000_000,
        disksizeallocated: 5000,
        host: [
          { id: one.hostId, name: 'nfs-1', state: 'Up', mounted: true, path: '/pools/nfs1' },
          {
            id: two.hostId,
            name: 'nfs-2',
            state: 'Down',
            mounted: false,
            path: '/other',
            problem: 'the marker is absent',
          },
        ],
        reported: expect.any(String),
        unknownfilecount: 0,
        unknownfilesize: 0,
        created: expect.any(String),
      },
    ]);
    expect((await lab.admin.ok('listHosts', { id: two.hostId })).host[0].problem).toEqual([
      'pool nfs1: the marker is absent',
    ]);
    const countOf = async (parameters: Parameters): Promise<number> =>
      ((await lab.admin.ok('listStoragePools', parameters)).count ?? 0) as number;
    expect(await countOf({ scope: 'zone', zoneid: lab.zone.uuid, state: 'Up', keyword: 'NFS' })).toBe(1);
    expect(await countOf({ scope: 'HOST', keyword: 'nfs' })).toBe(0);
    expect(await countOf({ state: 'Maintenance' })).toBe(0);
    expect(await countOf({ hostid: two.hostId })).toBe(1);
    const { hostId: another } = await addHost(lab, { name: 'another', pools: [poolReport('another')] });
    expect(await countOf({ hostid: another, keyword: 'nfs' })).toBe(0);
    expect(await countOf({ almostfull: true, keyword: 'nfs' })).toBe(0);
    // Four tenths are free: a reservation of three and a bit leaves less than one.
    await lab.db.updateTable('pool_reservation').set({ bytes: 301_000_000 }).execute();
    expect(await countOf({ almostfull: true, keyword: 'nfs' })).toBe(1);
  });

  test('are listed by a number of queries that does not grow with the rows', async () => {
    const before = [await queriesOf('listStoragePools'), await queriesOf('listHosts')];
    for (let n = 0; n < 10; n += 1) {
      await addHost(lab, { name: `many-${n}`, pools: [poolReport(`many-${n}`)] });
    }
    expect([await queriesOf('listStoragePools'), await queriesOf('listHosts')]).toEqual(before);
  });
});

describe('events', () => {
  test('are listed newest first, by every filter; users see their own', async () => {
    const resource = '11111111-0000-4000-8000-000000000000';
    const record = async (who: Caller, description: string, level: 'INFO' | 'ERROR'): Promise<void> =>
      recordEvent(lab.db, {
        type: 'TEMPLATE.CREATE',
        level,
        description,
        userUuid: who.userUuid,
        accountUuid: who.accountUuid,
        resourceType: 'VirtualMachineTemplate',
        resourceUuid: resource,
      });
    await record(lab.user, 'first', 'INFO');
    await record(lab.other, 'second', 'INFO');
    await record(lab.user, 'third 100%', 'ERROR');
    const descriptions = async (who: Caller, parameters: Parameters = {}): Promise<readonly string[]> =>
      ((await who.ok('listEvents', { resourceid: resource, ...parameters })).event ?? []).map(
        ({ description }: Json) => description as string,
      );
    expect(await descriptions(lab.admin)).toEqual(['third 100%', 'second', 'first']);
    expect(await descriptions(lab.user)).toEqual(['third 100%', 'first']);
    expect(await descriptions(lab.other)).toEqual(['second']);
    expect(await descriptions(lab.admin, { level: 'error' })).toEqual(['third 100%']);
    expect(await descriptions(lab.admin, { keyword: '0%' })).toEqual(['third 100%']);
    expect(await descriptions(lab.admin, { type: 'TEMPLATE.DELETE' })).toEqual([]);
    expect(await descriptions(lab.admin, { resourcetype: 'Host' })).toEqual([]);
    expect(await descriptions(lab.admin, { startdate: '2020-01-01', enddate: '2020-12-31' })).toEqual([]);
    expect(await descriptions(lab.admin, { startdate: '2020-01-01T00:00:00+0200' })).toHaveLength(3);
    expect(await descriptions(lab.admin, { page: 2, pagesize: 1 })).toEqual(['second']);
    expect(await descriptions(lab.admin, { resourceid: 'nonsense' })).toEqual([]);
    const { inner } = await lab.admin.call('listEvents', { startdate: 'yesterday' });
    expect(inner.errortext).toContain("Parameter startdate is 'yesterday'; give a date such as");
  });
});

test('listApis describes every field that answers have', async () => {
  const pool = poolReport('documented');
  const host = await addHost(lab, { name: 'documented', pools: [pool] });
  const { templateId } = await lab.template(lab.admin, { details: { a: 'b' } });
  await deploy(lab, { templateId, poolId: pool.id }, { host, pool });
  const { jobid } = await lab.admin.ok('prepareTemplate', {
    templateid: templateId,
    zoneid: lab.zone.uuid,
    storageid: pool.id,
  });
  const answers: readonly [command: string, parameters: Parameters, key?: string][] = [
    ['listTemplates', { templatefilter: 'all', details: 'all' }, 'template'],
    ['listTemplateDeployments', {}, 'templatedeployment'],
    ['listHosts', {}, 'host'],
    ['listStoragePools', {}, 'storagepool'],
    ['listZones', {}, 'zone'],
    ['listClusters', {}, 'cluster'],
    ['listOsTypes', {}, 'ostype'],
    ['listEvents', {}, 'event'],
    ['listApis', {}, 'api'],
    ['queryAsyncJobResult', { jobid }],
  ];
  const { api } = await lab.admin.ok('listApis');
  for (const [command, parameters, key] of answers) {
    const inner = await lab.admin.ok(command, parameters);
    const rows = key === undefined ? [inner] : inner[key];
    const described = new Map<string, string>(
      api
        .find(({ name }: Json) => name === command)
        .response.map(({ name, type }: Json) => [name as string, type as string]),
    );
    for (const [name, value] of rows.flatMap((row: Json) => Object.entries(row as object))) {
      expect({ command, name, type: typeOf(value, described.get(name)) }).toEqual({
        command,
        name,
        type: described.get(name),
      });
    }
  }
});

/** The type that a value has, in the words of listApis. */
function typeOf(value: unknown, wanted: string | undefined): string | undefined {
  if (typeof value === 'number') return wanted === 'long' ? 'long' : 'integer';
  if (Array.isArray(value)) return 'list';
  if (typeof value === 'object') return 'map';
  return typeof value === 'string' && wanted === 'date' && value.endsWith('+0000') ? 'date' : typeof value;
}
