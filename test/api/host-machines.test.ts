import { randomUUID } from 'node:crypto';
import type { HypervisorReport, VmState } from '../../model/vms.ts';
import { addHost, openLab } from '../labs/api.ts';
import type { Json, Lab } from '../labs/api.ts';

const GIB = 2 ** 30;

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab.close());

const hypervisor: HypervisorReport = {
  libvirt: '9.0.0',
  qemu: '7.2.22',
  accelerator: 'tcg',
  cpus: 8,
  cpuSpeed: 2100,
  memory: 16 * GIB,
  firmware: ['LEGACY'],
  networks: [
    { name: 'lan', kind: 'bridge', vlan: true },
    { name: 'nat', kind: 'libvirt', vlan: false, problem: 'libvirt has no network default' },
  ],
};

const listed = async (id: string): Promise<Json> => (await lab.admin.ok('listHosts', { id })).host[0];

async function addMachine(hostId: string, name: string, state: VmState): Promise<void> {
  const { db } = lab;
  const host = await db
    .selectFrom('host')
    .where('uuid', '=', hostId)
    .select(['id', 'data_center_id'])
    .executeTakeFirstOrThrow();
  const template = await db
    .selectFrom('vm_template')
    .where('uuid', '=', (await lab.template(lab.admin)).templateId)
    .select(['id', 'account_id'])
    .executeTakeFirstOrThrow();
  const offering = await db.selectFrom('service_offering').select('id').executeTakeFirstOrThrow();
  await db
    .insertInto('vm_instance')
    .values({
      name,
      display_name: name,
      instance_name: `i-${randomUUID()}`,
      account_id: template.account_id,
      user_id: lab.admin.userId,
      data_center_id: host.data_center_id,
      host_id: host.id,
      service_offering_id: offering.id,
      cpu: 2,
      speed: 1050,
      ram_size: 2048,
      template_id: template.id,
      state,
    })
    .execute();
}

test('a host is forgotten with the number of machines that ran there', async () => {
  const { hostId } = await addHost(lab, { name: 'kvm-gone', pools: [], hypervisor });
  for (const state of ['Running', 'Stopping', 'Stopped'] as const) await addMachine(hostId, 'gone', state);
  const { inner } = await lab.admin.call('deleteHost', { id: hostId });
  expect(inner.errortext).toMatch(
    /^Host 'kvm-gone' is Up, and 2 virtual machines run there: stop its worker/,
  );
  expect(await lab.admin.ok('deleteHost', { id: hostId, forced: true })).toMatchObject({
    displaytext: "Host 'kvm-gone' was forgotten; 2 virtual machines that ran there count as stopped",
  });
});

test('a host is listed with its hypervisor and what machines take of it, in the fields and types of CloudStack', async () => {
  const { hostId } = await addHost(lab, { name: 'kvm-1', pools: [], hypervisor });
  expect(await listed(hostId)).toMatchObject({
    cpuallocated: '0.00%',
    memoryallocated: 0,
    virtualmachinecount: 0,
  });
  for (const state of ['Starting', 'Running', 'Stopping'] as const) await addMachine(hostId, 'vm', state);
  // A stopped machine, whose domain the host still has, takes nothing.
  await addMachine(hostId, 'stopped', 'Stopped');
  expect(await listed(hostId)).toMatchObject({
    hypervisorversion: '7.2.22',
    libvirtversion: '9.0.0',
    accelerator: 'tcg',
    ueficapability: true,
    bootmodes: ['LEGACY'],
    hostnetwork: [
      { name: 'lan', type: 'bridge', vlan: true },
      { name: 'nat', type: 'libvirt', vlan: false, problem: 'libvirt has no network default' },
    ],
    cpunumber: 8,
    cpuspeed: 2100,
    cpuallocated: '37.50%',
    cpuallocatedvalue: 6300,
    cpuallocatedpercentage: '37.50%',
    memorytotal: 16 * GIB,
    memoryallocated: 6 * GIB,
    memoryallocatedbytes: 6 * GIB,
    memoryallocatedpercentage: '37.50%',
    virtualmachinecount: 3,
  });
  await lab.admin.ok('updateConfiguration', { name: 'cpu.overprovisioning.factor', value: '9' });
  const own = { zoneid: lab.zone.uuid, name: 'cpu.overprovisioning.factor', value: '2' };
  await lab.admin.ok('updateConfiguration', own);
  await lab.admin.ok('updateConfiguration', { name: 'mem.overprovisioning.factor', value: '1.5' });
  expect(await listed(hostId)).toMatchObject({
    cpuallocated: '18.75%',
    cpuallocatedwithoverprovisioning: '18.75%',
    cpuwithoverprovisioning: '33600',
    memorytotal: 16 * GIB,
    memorywithoverprovisioning: String(24 * GIB),
    memoryallocatedpercentage: '25.00%',
  });
});

test('a host that can run no machine says why, and a host that reports no hypervisor has none of these fields', async () => {
  const problem = 'virsh is not installed';
  const without = await addHost(lab, {
    name: 'kvm-2',
    pools: [],
    hypervisor: { problem, cpus: 2, cpuSpeed: 0, memory: GIB, firmware: [], networks: [] },
  });
  const shown = await listed(without.hostId);
  expect(shown).toMatchObject({ vmproblem: problem, ueficapability: false, cpuallocated: '0.00%' });
  expect(shown).not.toHaveProperty('problem');
  const old = await addHost(lab, { name: 'kvm-3', pools: [] });
  expect(
    Object.keys(await listed(old.hostId)).filter((name) => /^(cpu|memory|vm|hostnet)/.test(name)),
  ).toEqual([]);
});

test('maintenance lists the machines that still run on the host', async () => {
  const { hostId } = await addHost(lab, { name: 'kvm-4', pools: [], hypervisor });
  await addMachine(hostId, 'web2', 'Running');
  await addMachine(hostId, 'web1', 'Stopping');
  await addMachine(hostId, 'gone', 'Stopped');
  const { jobid } = await lab.admin.ok('prepareHostForMaintenance', { id: hostId });
  const { jobresult } = await lab.admin.ok('queryAsyncJobResult', { jobid });
  expect(jobresult.host.virtualmachine).toEqual([
    { id: expect.any(String), name: 'web1', state: 'Stopping' },
    { id: expect.any(String), name: 'web2', state: 'Running' },
  ]);
});
