import { openCopy } from '../../db/copies/copies.ts';
import { hostsOfPool } from '../../db/hosts/hosts.ts';
import { PROTOCOLS } from '../../images/fetch/protocols/registry.ts';
import { addHost, openLab, poolReport } from '../labs/api.ts';
import type { Json, Lab } from '../labs/api.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab.close());

const resultOf = async (command: string, id: string): Promise<Json> => {
  const { jobid } = await lab.admin.ok(command, { id });
  const job = await lab.admin.ok('queryAsyncJobResult', { jobid });
  expect(job).toMatchObject({ jobstatus: 1, jobinstanceid: id, cmd: command });
  return job.jobresult;
};

test('a host in maintenance is chosen for no download until its maintenance ends', async () => {
  const pool = poolReport('pool1');
  const host = await addHost(lab, { name: 'host1', pools: [pool] });
  const enabled = async () => (await hostsOfPool(lab.db, pool.id)).map((one) => one.enabled);
  expect(await enabled()).toEqual([true]);
  const begun = await resultOf('prepareHostForMaintenance', host.hostId);
  expect(begun.host).toMatchObject({ id: host.hostId, resourcestate: 'Maintenance', state: 'Up' });
  expect(await enabled()).toEqual([false]);
  const [listed] = (await lab.admin.ok('listHosts', { id: host.hostId })).host;
  expect(listed.resourcestate).toBe('Maintenance');
  await resultOf('prepareHostForMaintenance', host.hostId);
  expect((await resultOf('cancelHostMaintenance', host.hostId)).host.resourcestate).toBe('Enabled');
  expect(await enabled()).toEqual([true]);
  const { event } = await lab.admin.ok('listEvents', { resourceid: host.hostId, keyword: 'maintenance' });
  expect(event.map(({ type }: Json) => type)).toEqual(['MAINT.CANCEL', 'MAINT.PREPARE', 'MAINT.PREPARE']);
});

test('what a host downloads is listed, and handed over where its maintenance asks for it', async () => {
  const [own, shared] = [
    poolReport('own'),
    poolReport('both', { scope: 'CLUSTER', type: 'SharedMountPoint' }),
  ];
  const host = await addHost(lab, { name: 'busy', pools: [own, shared] });
  const { templateId } = await lab.template(lab.admin);
  const [one, other] = [
    { templateId, poolId: own.id },
    { templateId, poolId: shared.id },
  ];
  for (const copy of [one, other]) await openCopy(lab.db, copy, 'a workflow', PROTOCOLS);
  const downloads = async (): Promise<readonly string[]> => {
    const found = await lab.admin.ok('listTemplateDeployments', { hostid: host.hostId });
    return (found.templatedeployment ?? []).map(({ storageid }: Json) => storageid as string);
  };
  expect(await downloads()).toEqual([]);
  const hostKey = lab.db.selectFrom('host').where('uuid', '=', host.hostId).select('id');
  await lab.db
    .updateTable('template_spool_ref')
    .set({ fetching: 'origin', fetch_host_id: hostKey })
    .where('pool_id', 'in', lab.db.selectFrom('storage_pool').where('uuid', '=', shared.id).select('id'))
    .execute();
  expect(await downloads()).toEqual([shared.id]);
  await resultOf('prepareHostForMaintenance', host.hostId);
  expect(lab.orchestration.of('handOver')).toEqual([]);
  await lab.admin.ok('prepareHostForMaintenance', { id: host.hostId, handover: true });
  expect(lab.orchestration.of('handOver')).toEqual([[other]]);
  const asUser = await lab.user.call('listTemplateDeployments', { hostid: host.hostId });
  expect(asUser.status).toBe(531);
});

test('maintenance of a host that was never approved is refused', async () => {
  const host = await addHost(lab, { name: 'stranger', pools: [], state: 'Disabled' });
  const { status, inner } = await lab.admin.call('prepareHostForMaintenance', { id: host.hostId });
  expect([status, inner.errortext]).toEqual([
    431,
    expect.stringMatching(/'stranger' is Disabled; approve it/),
  ]);
});

test('nothing new is deployed to a pool in maintenance', async () => {
  const pool = poolReport('pool2');
  await addHost(lab, { name: 'host2', pools: [pool] });
  const { templateId: templateid } = await lab.template(lab.admin);
  const prepare = () =>
    lab.admin.call('prepareTemplate', { templateid, zoneid: lab.zone.uuid, storageid: pool.id });
  expect((await resultOf('enableStorageMaintenance', pool.id)).storagepool.state).toBe('Maintenance');
  const refused = await prepare();
  expect([refused.status, refused.inner.errortext]).toEqual([431, expect.stringMatching(/Maintenance/)]);
  expect((await resultOf('cancelStorageMaintenance', pool.id)).storagepool.state).toBe('Up');
  expect((await prepare()).status).toBe(200);
});

test('a pool gets tags, and is disabled and enabled again', async () => {
  const pool = poolReport('pool3');
  await addHost(lab, { name: 'host3', pools: [pool] });
  const update = async (changes: Record<string, string | boolean>): Promise<Json> =>
    (await lab.admin.ok('updateStoragePool', { id: pool.id, ...changes })).storagepool;
  expect(await update({ tags: 'ssd, fast' })).toMatchObject({ tags: 'ssd,fast', state: 'Up' });
  expect(await update({ enabled: false })).toMatchObject({ tags: 'ssd,fast', state: 'Disabled' });
  expect(await update({ enabled: true })).toMatchObject({ state: 'Up' });
  expect((await lab.admin.call('updateStoragePool', { id: pool.id, tags: 'x'.repeat(65) })).status).toBe(431);
});

test('a cluster is in a pod of its own', async () => {
  const { cluster } = await lab.admin.ok('listClusters');
  const { pod, count } = await lab.admin.ok('listPods');
  expect(pod).toHaveLength(count);
  expect(pod[0]).toMatchObject({ id: cluster[0].podid, name: cluster[0].name, zoneid: cluster[0].zoneid });
  expect((await lab.admin.ok('listPods', { id: pod[0].id })).pod).toEqual([pod[0]]);
  expect((await lab.admin.call('listPods', { id: cluster[0].id })).status).toBe(431);
  const [host] = (await lab.admin.ok('listHosts')).host;
  expect(host.podid).toBe(pod[0].id);
});
