/** Zones, their clusters and pods, and guest operating systems. */
import { hostsToProbe } from '../../db/hosts/hosts.ts';
import { findZone } from '../../db/zones/zones.ts';
import type { Place } from '../../db/zones/zones.ts';
import { addHost, openLab, poolReport } from '../labs/api.ts';
import type { Json, Lab, Parameters } from '../labs/api.ts';
import { template } from './registering.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab.close());

const eventsOf = async (resourceid: string): Promise<readonly Json[]> =>
  (await lab.admin.ok('listEvents', { resourceid })).event ?? [];

const numericId = async (uuid: string): Promise<number> => (await findZone(lab.db, uuid))?.id ?? -1;

async function zoneOf(name: string): Promise<Place> {
  const { zone } = await lab.admin.ok('createZone', { name });
  return { id: await numericId(zone.id), uuid: zone.id, name };
}

test('a zone is created and listed, and its name cannot be taken again', async () => {
  const { zone } = await lab.admin.ok('createZone', { name: ' paris ', demandallmirrors: true });
  expect(zone).toEqual({
    id: expect.any(String),
    name: 'paris',
    allocationstate: 'Enabled',
    networktype: 'Advanced',
    localstorageenabled: true,
    securitygroupsenabled: false,
    type: 'Core',
    demandallmirrors: true,
    created: expect.stringMatching(/\+0000$/),
  });
  expect((await lab.admin.ok('listZones', { id: zone.id })).zone).toEqual([zone]);
  expect((await lab.admin.ok('listZones', { name: 'paris' })).count).toBe(1);
  expect((await lab.admin.ok('listZones', { keyword: 'PAR' })).count).toBe(1);
  expect(await lab.admin.ok('listZones', { keyword: 'rome' })).toEqual({});
  expect((await lab.user.ok('listZones', { id: zone.id })).zone[0]).not.toHaveProperty('demandallmirrors');
  expect(await eventsOf(zone.id)).toEqual([
    expect.objectContaining({ type: 'ZONE.CREATE', state: 'Completed', username: 'root' }),
  ]);
  const again = await lab.admin.call('createZone', { name: 'paris' });
  expect([again.status, again.inner.errortext]).toEqual([
    431,
    "Parameter name is taken: there is a zone named 'paris' already.",
  ]);
});

test('a cluster is created and listed, and its name is unique in its zone', async () => {
  const { zone } = await lab.admin.ok('createZone', { name: 'rome' });
  const add = (parameters: Parameters) =>
    lab.admin.call('addCluster', {
      clustername: 'rack 1',
      zoneid: zone.id,
      hypervisor: 'kvm',
      ...parameters,
    });
  const { inner } = await add({});
  expect(inner).toEqual({
    count: 1,
    cluster: [expect.objectContaining({ name: 'rack 1', zonename: 'rome' })],
  });
  expect((await add({ zoneid: lab.zone.uuid })).status).toBe(200);
  expect((await add({})).inner.errortext).toBe(
    "Parameter clustername is taken: there is a cluster named 'rack 1' in this zone already.",
  );
  expect((await add({ hypervisor: 'VMware' })).inner.errortext).toContain('Parameter hypervisor');
  expect((await add({ zoneid: 'nowhere' })).inner.errortext).toContain(
    'Invalid parameter zoneid value=nowhere',
  );
  expect((await lab.admin.ok('listClusters', { name: 'rack 1' })).count).toBe(2);
  const { count, cluster } = await lab.admin.ok('listClusters', { zoneid: zone.id, keyword: 'rack' });
  expect([count, cluster[0]]).toEqual([
    1,
    {
      id: inner.cluster[0].id,
      podid: expect.any(String),
      podname: 'rack 1',
      name: 'rack 1',
      zoneid: zone.id,
      zonename: 'rome',
      hypervisortype: 'KVM',
      clustertype: 'CloudManaged',
      allocationstate: 'Enabled',
      managedstate: 'Managed',
      created: expect.any(String),
    },
  ]);
  expect(await eventsOf(cluster[0].id)).toHaveLength(1);
});

test('the properties of a zone are stored, answered, changed and cleared; unknown ones are refused', async () => {
  const facts = {
    networktype: 'Basic',
    dns1: '192.0.2.1',
    dns2: '192.0.2.2',
    internaldns1: '192.0.2.3',
    internaldns2: '192.0.2.4',
    ip6dns1: '2001:db8::1',
    ip6dns2: '2001:db8::2',
    domain: 'cloud.example.org',
    guestcidraddress: '10.1.1.0/24',
    localstorageenabled: false,
  };
  const { zone } = await lab.admin.ok('createZone', {
    name: 'madrid',
    ...facts,
    securitygroupenabled: false,
  });
  expect(zone).toMatchObject(facts);
  const { id } = zone;
  const changes = {
    name: 'madrid 2',
    dns1: '192.0.2.9',
    localstorageenabled: true,
    demandallmirrors: true,
  };
  const updated = await lab.admin.ok('updateZone', { id, ...changes });
  expect(updated.zone).toMatchObject({ ...facts, ...changes });
  expect((await lab.admin.ok('listZones', { id })).zone).toEqual([updated.zone]);
  expect((await lab.user.ok('listZones', { id })).zone[0]).not.toHaveProperty('internaldns1');
  expect((await eventsOf(id))[0]).toMatchObject({
    type: 'ZONE.EDIT',
    description: "Zone 'madrid' was changed; its name is 'madrid 2' now",
  });
  expect((await lab.admin.call('updateZone', { id, name: 'zone1' })).inner.errortext).toMatch(
    /name is taken/,
  );
  for (const [wrong, sentence] of [
    [{ dns1: 'ns.example.org' }, "Parameter dns1 is 'ns.example.org'; give an address of IPv4."],
    [{ guestcidraddress: '10.1.1.0' }, 'give a CIDR'],
    [
      { securitygroupenabled: true },
      'Parameter securitygroupenabled is not taken: zones have no security groups',
    ],
    [
      { dhcpprovider: 'x' },
      'Parameter dhcpprovider is not taken: Bypass provides no networks; leave it out.',
    ],
    [{ ispublic: false }, 'Parameter ispublic is not taken'],
  ] as const) {
    const { status, inner } = await lab.admin.call('updateZone', { id, ...wrong });
    expect([status, inner.errortext]).toEqual([431, expect.stringContaining(sentence)]);
  }
  const podid = { podid: id, clustername: 'c', zoneid: id };
  expect((await lab.admin.call('addCluster', podid)).inner.errortext).toContain('in a pod of its own');
});

test('a disabled zone is visible to administrators only', async () => {
  const { zone } = await lab.admin.ok('createZone', { name: 'lisbon', allocationstate: 'Disabled' });
  expect(await lab.user.ok('listZones', { name: 'lisbon' })).toEqual({});
  expect((await lab.admin.ok('listZones', { name: 'lisbon' })).zone[0].allocationstate).toBe('Disabled');
  const registration = template(lab, { zoneid: zone.id });
  const { status, inner } = await lab.user.call('registerTemplate', registration);
  expect([status, inner.errortext]).toEqual([
    431,
    expect.stringContaining("zone 'lisbon', which is disabled"),
  ]);
  expect((await lab.admin.call('registerTemplate', registration)).status).toBe(200);
  await lab.admin.ok('updateZone', { id: zone.id, allocationstate: 'Enabled' });
  expect((await lab.user.ok('listZones', { name: 'lisbon' })).count).toBe(1);
});

test('a zone is removed only when it is empty; otherwise the refusal names its contents', async () => {
  const zone = await zoneOf('vienna');
  const pool = poolReport('vienna-pool');
  const host = await addHost({ db: lab.db, zone }, { name: 'kvm-vienna', pools: [pool], up: false });
  const { templateId } = await lab.template(lab.user, { name: 'of vienna', zoneIds: [zone.uuid] });
  const both = await lab.template(lab.user, { name: 'of both', zoneIds: [zone.uuid, lab.zone.uuid] });
  const { status, inner } = await lab.admin.call('deleteZone', { id: zone.uuid });
  expect([status, inner.errortext]).toEqual([
    536,
    "Zone 'vienna' is not empty; remove first: host kvm-vienna; cluster cluster1; storage pool vienna-pool; template or ISO of vienna.",
  ]);
  const [{ id: clusterId }] = (await lab.admin.ok('listClusters', { zoneid: zone.uuid })).cluster;
  expect((await lab.admin.call('deleteCluster', { id: clusterId })).inner.errortext).toBe(
    "Cluster 'cluster1' is not empty; remove first: host kvm-vienna; storage pool vienna-pool.",
  );
  await lab.admin.ok('deleteHost', { id: host.hostId });
  await lab.db
    .updateTable('vm_template')
    .set({ removed: new Date() })
    .where('uuid', '=', templateId)
    .execute();
  expect(await lab.admin.ok('deleteCluster', { id: clusterId })).toMatchObject({ success: true });
  expect((await eventsOf(clusterId))[0]).toMatchObject({ type: 'CLUSTER.DELETE' });
  expect(await lab.admin.ok('deleteZone', { id: zone.uuid })).toMatchObject({ success: true });
  expect((await eventsOf(zone.uuid))[0]).toMatchObject({ type: 'ZONE.DELETE' });
  expect(await lab.admin.ok('listZones', { name: 'vienna' })).toEqual({});
  const left = await lab.user.ok('listTemplates', { templatefilter: 'self', id: both.templateId });
  expect(left.template.map(({ zonename }: Json) => zonename)).toEqual(['zone1']);
  expect((await lab.admin.ok('createZone', { name: 'vienna' })).zone.name).toBe('vienna');
});

test('hosts of a disabled cluster get no new downloads; a cluster is renamed together with its pod', async () => {
  const pool = poolReport('of-disabled');
  const elsewhere = { db: lab.db, zone: await zoneOf('oslo') };
  await addHost(elsewhere, { name: 'kvm-oslo', pools: [pool] });
  const { uuid: zoneid } = elsewhere.zone;
  const [{ id }] = (await lab.admin.ok('listClusters', { zoneid })).cluster;
  const { cluster } = await lab.admin.ok('updateCluster', {
    id,
    clustername: 'rack 2',
    allocationstate: 'Disabled',
  });
  expect(cluster).toMatchObject({ name: 'rack 2', podname: 'rack 2', allocationstate: 'Disabled' });
  expect((await eventsOf(id))[0].description).toBe(
    "Cluster 'cluster1' was changed; its name is 'rack 2' now",
  );
  expect((await lab.admin.ok('listPods', { zoneid, allocationstate: 'Disabled' })).pod[0].name).toBe(
    'rack 2',
  );
  expect(await hostsToProbe(lab.db, [zoneid], [])).toEqual([]);
  const { templateId: templateid } = await lab.template(lab.user, { zoneIds: [zoneid] });
  const prepare = { templateid, zoneid, storageid: pool.id };
  expect((await lab.admin.call('prepareTemplate', prepare)).inner.errortext).toMatch(
    /No host that is Up and Enabled/,
  );
  await lab.admin.ok('updateCluster', { id, allocationstate: 'Enabled' });
  expect(await hostsToProbe(lab.db, [zoneid], [])).toMatchObject([{ name: 'kvm-oslo' }]);
  expect((await lab.admin.call('prepareTemplate', prepare)).status).toBe(200);
  await lab.admin.ok('updateZone', { id: zoneid, localstorageenabled: false });
  expect((await lab.admin.call('prepareTemplate', prepare)).inner.errortext).toMatch(/uses no local storage/);
  expect((await lab.admin.call('prepareTemplate', { templateid, zoneid })).inner.errortext).toMatch(
    /localstorageenabled/,
  );
});

test('a pod has its addresses as lists with one element, as clients index them', async () => {
  await addHost(lab, { name: 'kvm-pod', pools: [] });
  const { pod } = await lab.admin.ok('listPods', { zoneid: lab.zone.uuid });
  expect(pod[0]).toMatchObject({ startip: [''], endip: [''], vlanid: [''], forsystemvms: ['0'] });
});

test('guest operating systems are listed and found by keyword, id and category', async () => {
  const { count, ostype } = await lab.user.ok('listOsTypes', { keyword: 'debian' });
  expect(count).toBeGreaterThan(2);
  expect(ostype.find(({ name }: Json) => name === 'Debian GNU/Linux 12')).toEqual({
    id: expect.any(String),
    description: 'Debian GNU/Linux 12',
    name: 'Debian GNU/Linux 12',
    oscategoryid: expect.stringMatching(/^[0-9a-f-]{36}$/),
    oscategoryname: 'Debian',
    isuserdefined: false,
  });
  expect(ostype[1].oscategoryid).toBe(ostype[0].oscategoryid);
  expect((await lab.user.ok('listOsTypes', { id: ostype[1].id })).ostype).toEqual([ostype[1]]);
  const paged = await lab.user.ok('listOsTypes', { page: 2, pagesize: 3 });
  expect(paged.ostype).toHaveLength(3);
});

test.each([
  'Other PV (64-bit)',
  'CentOS 7',
  'Debian GNU/Linux 12 (64-bit)',
  'Ubuntu 24.04 LTS',
  'Other (64-bit)',
  'None',
])('there is the guest operating system %s, as CloudStack calls it', async (description) => {
  expect((await lab.user.ok('listOsTypes', { description })).ostype).toMatchObject([{ description }]);
});
