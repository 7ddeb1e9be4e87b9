/** Reports of hosts, which each zone's own workflow collects, and what follows from them. */
import { addCertificate } from '../../db/certificates/certificates.ts';
import { removeZone } from '../../db/zones/zone-removal.ts';
import { createCluster, createZone } from '../../db/zones/zones.ts';
import { reportsWorkflowId } from '../../model/names.ts';
import { CURRENT_TIMING } from '../../model/rules/released.ts';
import { reportsInRound } from '../../model/timing.ts';
import type { HeldCertificate } from '../../model/certificate.ts';
import type { HostReport } from '../../model/payloads.ts';
import { openControlLab } from '../labs/control.ts';
import type { ControlLab } from '../labs/control.ts';
import { deferred } from '../support/deferred.ts';
import type { ScriptedHost } from '../support/scripted-host.ts';
import { until } from '../support/until.ts';

let lab: ControlLab;
beforeAll(async () => {
  lab = await openControlLab();
});
afterEach(() => lab.removeHosts());
afterAll(() => lab.close());

/** Whether the pools of these hosts, which have their names, are recorded with this much room. */
async function areReported(free: number, ...hosts: readonly string[]): Promise<boolean> {
  const pools = await lab.db.selectFrom('storage_pool').select(['name', 'free_bytes']).execute();
  return hosts.every((host) => pools.some(({ name, free_bytes }) => name === host && free_bytes === free));
}

async function addZone(name: string) {
  const zone = await createZone(lab.db, { name });
  const cluster = await createCluster(lab.db, { zoneId: zone.id, name: 'cluster' });
  return { ...zone, place: { zone: zone.id, cluster: cluster.id } };
}

const stateOf = async (zoneId: string): Promise<string | undefined> =>
  (await lab.temporal.client.workflow.getHandle(reportsWorkflowId(zoneId)).describe()).status.name;

test('reports are requested from a few hosts at a time, and silent hosts do not delay the others', async () => {
  for (const name of ['silent-1', 'silent-2', 'silent-3', 'silent-4'])
    await lab.addHost({ name, dead: true });
  const names = ['reporting-1', 'reporting-2', 'reporting-3', 'reporting-4', 'reporting-5'];
  for (const name of names) (await lab.addHost({ name })).setFree(777);
  await lab.startUpkeep();
  await until('the pools have the new number', () => areReported(777, ...names));
});

test('a zone whose hosts are all silent keeps no other zone waiting', async () => {
  const { place } = await addZone('silent');
  for (const name of ['silent-1', 'silent-2']) await lab.addHost({ name, dead: true, place });
  const host = await lab.addHost({ name: 'reporting' });
  // The hosts of the silent zone are waited for until after this test.
  await lab.startUpkeep({ reportTakeMs: 600_000, reportsAtLeast: 3, reportsAtOnce: 3 });
  for (const free of [777, 778, 779]) {
    host.setFree(free);
    await until(`${free} is recorded`, () => areReported(free, 'reporting'));
  }
});

test('the collecting of a zone that is removed ends, and that of another zone goes on', async () => {
  const { id, uuid } = await addZone('leaving');
  const host = await lab.addHost({ name: 'staying' });
  await lab.startUpkeep();
  await until('both are at work', async () =>
    (await Promise.all([uuid, lab.zoneId].map((one) => stateOf(one).catch(() => undefined)))).every(
      (state) => state === 'RUNNING',
    ),
  );
  await lab.db.deleteFrom('cluster').where('data_center_id', '=', id).execute();
  expect(await removeZone(lab.db, id)).toMatchObject({ host: [] });
  expect(await lab.temporal.client.workflow.getHandle(reportsWorkflowId(uuid)).result()).toEqual({ v: 1 });
  host.setFree(777);
  await until('the other zone reports', () => areReported(777, 'staying'));
  expect(await stateOf(lab.zoneId)).toBe('RUNNING');
});

test('the collecting of a zone goes on after somebody ended it, and after the control worker was lost during a round', async () => {
  const [asked, answer] = [deferred(), deferred()];
  const host: ScriptedHost = await lab.addHost({
    name: 'slow',
    script: {
      async describeHost() {
        asked.resolve();
        await answer.promise;
        return reportOf(host);
      },
    },
  });
  await lab.startUpkeep({ reportRunMs: 600_000 });
  await asked.promise;
  await lab.restartControl();
  host.setFree(777);
  answer.resolve();
  await until('the report is recorded', () => areReported(777, 'slow'));
  await lab.temporal.client.workflow.getHandle(reportsWorkflowId(lab.zoneId)).terminate('by hand');
  host.setFree(778);
  await until('upkeep began it anew', () => areReported(778, 'slow'));
});

test('a host whose report shows that it lacks a certificate gets it, however many others lack it', async () => {
  let held: readonly HeldCertificate[] = [];
  const host: ScriptedHost = await lab.addHost({
    name: 'lacking',
    script: {
      describeHost: () => Promise.resolve({ ...reportOf(host), certificates: held }),
      syncCertificates({ certificates }) {
        held = certificates.map(({ alias }) => ({ alias, digest: 'digest' }));
        return Promise.resolve({ v: 1, hostId: host.hostId, held, failed: {} });
      },
    },
  });
  const zone = await lab.db
    .selectFrom('data_center')
    .where('uuid', '=', lab.zoneId)
    .select('id')
    .executeTakeFirstOrThrow();
  const expires = new Date(Date.now() + 1e9);
  await addCertificate(lab.db, {
    alias: 'mirror',
    certificate: 'pem',
    digest: 'digest',
    expires,
    zone_id: zone.id,
  });
  await lab.startUpkeep();
  await until('the host has it', () => held.length === 1);
});

const reportOf = (host: ScriptedHost): HostReport => ({
  v: 1,
  hostId: host.hostId,
  version: '1',
  pools: [host.pool()],
  programs: [],
});

/** Minutes. */
const askedAnew = (hosts: number): number => {
  const rounds = Math.ceil(hosts / reportsInRound(hosts, CURRENT_TIMING.reports));
  return (rounds * CURRENT_TIMING.reports.roundMs) / 60_000;
};

test('a big zone reports in rounds that keep its reports fresh', () => {
  expect([1, 20, 100, 1000, 10_000].map(askedAnew)).toEqual([1, 1, 5, 5, 5]);
});
