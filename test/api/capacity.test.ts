/** What zones have for virtual machines. */
import { randomUUID } from 'node:crypto';
import type { HypervisorReport } from '../../model/vms.ts';
import { addHost, openLab, poolReport } from '../labs/api.ts';
import type { Json, Lab, Parameters } from '../labs/api.ts';

const GIB = 2 ** 30;
const hypervisor: HypervisorReport = {
  cpus: 4,
  cpuSpeed: 2000,
  memory: 8 * GIB,
  firmware: [],
  networks: [],
};

let lab: Lab;
let poolId: string;

beforeAll(async () => {
  lab = await openLab();
  const { db, user, zone } = lab;
  const pool = poolReport('pool1', { capacity: 100 * GIB, free: 75 * GIB });
  poolId = pool.id;
  const { hostId } = await addHost(lab, { name: 'kvm-1', pools: [pool], hypervisor });
  await addHost(lab, { name: 'kvm-2', pools: [], hypervisor });
  await addHost(lab, { name: 'broken', pools: [], hypervisor: { ...hypervisor, problem: 'no libvirt' } });
  await addHost(lab, { name: 'storage only', pools: [] });
  const idOf = async (table: 'host' | 'vm_template' | 'storage_pool', uuid: string): Promise<number> =>
    (await db.selectFrom(table).where('uuid', '=', uuid).select('id').executeTakeFirstOrThrow()).id;
  const { id } = await db
    .insertInto('vm_instance')
    .values({
      name: 'web1',
      display_name: 'web 1',
      instance_name: `i-${randomUUID()}`,
      account_id: user.accountId,
      user_id: user.userId,
      data_center_id: zone.id,
      host_id: await idOf('host', hostId),
      service_offering_id: 1,
      cpu: 2,
      speed: 1000,
      ram_size: 2048,
      template_id: await idOf('vm_template', (await lab.template(user)).templateId),
      state: 'Running',
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  await db
    .insertInto('volumes')
    .values({
      name: 'ROOT-1',
      account_id: user.accountId,
      data_center_id: zone.id,
      vm_id: id,
      pool_id: await idOf('storage_pool', poolId),
      size: 20 * GIB,
    })
    .execute();
});
afterAll(() => lab.close());

const capacities = async (parameters: Parameters = {}): Promise<readonly Json[]> =>
  (await lab.admin.ok('listCapacity', parameters)).capacity ?? [];

test('a zone has memory and processors of hosts that can run machines, and space of pools, with over-provisioning', async () => {
  const zone = { zoneid: lab.zone.uuid, zonename: 'zone1' };
  expect(await capacities()).toEqual([
    {
      type: 0,
      name: 'MEMORY',
      capacitytotal: 16 * GIB,
      capacityused: 2 * GIB,
      capacityallocated: 2 * GIB,
      percentused: '12.50',
      ...zone,
    },
    {
      type: 1,
      name: 'CPU',
      capacitytotal: 16_000,
      capacityused: 2000,
      capacityallocated: 2000,
      percentused: '12.50',
      ...zone,
    },
    {
      type: 2,
      name: 'STORAGE',
      capacitytotal: 100 * GIB,
      capacityused: 25 * GIB,
      capacityallocated: 20 * GIB,
      percentused: '25.00',
      ...zone,
    },
    {
      type: 3,
      name: 'STORAGE_ALLOCATED',
      capacitytotal: 200 * GIB,
      capacityused: 20 * GIB,
      capacityallocated: 20 * GIB,
      percentused: '10.00',
      ...zone,
    },
  ]);
});

test('a factor of a zone counts there, and pools that are not Up do not', async () => {
  await lab.admin.ok('updateConfiguration', {
    name: 'cpu.overprovisioning.factor',
    value: '2.5',
    zoneid: lab.zone.uuid,
  });
  expect((await capacities({ type: 1 }))[0]).toMatchObject({ capacitytotal: 40_000, percentused: '5.00' });
  await lab.admin.ok('updateStoragePool', { id: poolId, enabled: false });
  expect((await capacities({ type: 2 }))[0]).toMatchObject({ capacitytotal: 0, percentused: '0.00' });
  await lab.admin.ok('updateStoragePool', { id: poolId, enabled: true });
});

test('capacities are listed by type, zone, cluster and pod, by usage, and in pages', async () => {
  const { zone } = await lab.admin.ok('createZone', { name: 'empty' });
  const { cluster } = await lab.admin.ok('addCluster', { clustername: 'empty', zoneid: zone.id });
  expect((await capacities({ zoneid: zone.id })).map(({ capacitytotal }) => capacitytotal as number)).toEqual(
    [0, 0, 0, 0],
  );
  const [{ id: clusterid, podid }] = (await lab.admin.ok('listClusters', { zoneid: lab.zone.uuid })).cluster;
  for (const place of [{ clusterid }, { podid }])
    expect((await capacities({ zoneid: lab.zone.uuid, ...place, type: 0 }))[0]).toMatchObject({
      capacitytotal: 16 * GIB,
    });
  expect((await capacities({ clusterid: cluster[0].id, type: 0 }))[0]).toMatchObject({ capacitytotal: 0 });
  const fullest = await capacities({ zoneid: lab.zone.uuid, sortby: 'usage', page: 1, pagesize: 1 });
  expect(fullest.map(({ type }) => type as number)).toEqual([2]);
  expect(await capacities({ type: 7 })).toEqual([]);
});

test('a call without tags leaves the tags of a storage pool as they are', async () => {
  for (const changes of [{ tags: 'direct' }, {}]) {
    const { storagepool } = await lab.admin.ok('updateStoragePool', { id: poolId, ...changes });
    expect(storagepool.tags).toBe('direct');
  }
});
