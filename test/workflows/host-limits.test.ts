import { setHostLimits } from '../../db/hosts/host-limits.ts';
import { removeHost } from '../../db/hosts/hosts.ts';
import { limitsWorkflowId, peersWorkflowId } from '../../model/names.ts';
import type { HostLimits } from '../../model/payloads.ts';
import { sql } from 'kysely';
import { openControlLab } from '../labs/control.ts';
import type { ControlLab, NewHost } from '../labs/control.ts';
import { deferred } from '../support/deferred.ts';
import { addHostWithDoor } from '../support/host-with-door.ts';
import type { ScriptedHost } from '../support/scripted-host.ts';
import { until } from '../support/until.ts';

let lab: ControlLab;
beforeAll(async () => {
  lab = await openControlLab();
});
afterAll(() => lab.close());

const setAndTell = async (hostId: string, downloads: number | null): Promise<void> => {
  await setHostLimits(lab.db, hostId, { downloads, rate: 1000 });
  await lab.orchestration.requestHostLimits(hostId);
};
const ended = (hostId: string): Promise<unknown> =>
  lab.temporal.client.workflow.getHandle(limitsWorkflowId(hostId)).result();
const row = (hostId: string) =>
  lab.db.selectFrom('host').where('uuid', '=', hostId).selectAll().executeTakeFirstOrThrow();

/** A host that keeps the limits that it receives. */
async function listening(
  name: string,
  { dead = false, before }: { readonly dead?: boolean; readonly before?: Promise<unknown> } = {},
): Promise<{ readonly host: ScriptedHost; readonly received: readonly HostLimits[] }> {
  const received: HostLimits[] = [];
  const report = () => {
    const { revision, downloads = 2, rate = 0 } = received.at(-1) ?? { revision: 0 };
    const about = { v: 1, hostId: host.hostId, version: '1', pools: [host.pool()], programs: [] } as const;
    return { ...about, limits: { revision, downloads, rate } };
  };
  const script: NewHost['script'] = {
    async setLimits({ limits }) {
      received.push(limits);
      await before;
      return report();
    },
    describeHost: async () => report(),
  };
  const host: ScriptedHost = await lab.addHost({ name, dead, script });
  return { host, received };
}

test('a host gets the limits that are set, and the limits that it reports are recorded', async () => {
  const { host, received } = await listening('told');
  await setAndTell(host.hostId, 4);
  expect(await ended(host.hostId)).toEqual({ v: 1, told: true });
  expect(received).toEqual([{ revision: 1, downloads: 4, rate: 1000 }]);
  expect(await row(host.hostId)).toMatchObject({ current_download_limit: 4, current_rate_limit: 1000 });
  await setAndTell(host.hostId, null);
  await ended(host.hostId);
  expect(received[1]).toEqual({ revision: 2, rate: 1000 });
  expect(await row(host.hostId)).toMatchObject({ current_download_limit: 2, current_rate_limit: 1000 });
});

test('limits that are set meanwhile reach the host afterwards, the newest last', async () => {
  const hold = deferred();
  const { host, received } = await listening('slow', { before: hold.promise });
  await setAndTell(host.hostId, 1);
  await until('the host receives limits', () => received.length === 1);
  await setAndTell(host.hostId, 5);
  await setAndTell(host.hostId, 6);
  hold.resolve();
  await ended(host.hostId);
  expect(received.map(({ downloads }) => downloads)).toEqual([1, 6]);
  expect((await row(host.hostId)).current_download_limit).toBe(6);
});

test('a host that does not answer gets its limits when its report is requested', async () => {
  const { host, received } = await listening('away', { dead: true });
  await setAndTell(host.hostId, 3);
  expect(await ended(host.hostId)).toEqual({ v: 1, told: false });
  await host.start();
  await lab.startUpkeep();
  await until('the host receives limits', () => received.length > 0);
  await lab.endUpkeep();
  expect(received[0]).toMatchObject({ downloads: 3 });
});

test('a forgotten host gets no limits', async () => {
  const { host } = await listening('forgotten', { dead: true });
  await removeHost(lab.db, host.hostId);
  await lab.orchestration.requestHostLimits(host.hostId);
  expect(await ended(host.hostId)).toEqual({ v: 1, told: false });
});

test('hosts with doors are told whom they may let in, at once when one is removed, though another one is slow', async () => {
  const { zoneId } = lab;
  const result = (): Promise<unknown> =>
    lab.temporal.client.workflow.getHandle(peersWorkflowId(zoneId)).result();
  const [one, other] = [await addHostWithDoor(lab, 'door-1'), await addHostWithDoor(lab, 'door-2')];
  const both = [one.hostId, other.hostId].sort();
  await lab.orchestration.requestPeers(zoneId);
  expect(await result()).toEqual({ v: 1, told: 2 });
  for (const { hostId, received } of [one, other]) {
    const [credentials] = received;
    expect(received).toHaveLength(1);
    expect([...(credentials?.hostIds ?? [])].sort()).toEqual(both);
    const { peer } = await row(hostId);
    expect(peer).toMatchObject({ trusted: expect.any(String), certificateEnds: expect.any(String) });
  }
  // Nothing is told again that is known.
  await lab.orchestration.requestPeers(zoneId);
  expect(await result()).toEqual({ v: 1, told: 0 });

  const answer = deferred();
  const slow = await addHostWithDoor(lab, 'door-3', answer.promise);
  await lab.orchestration.requestPeers(zoneId);
  await until('the slow one is told', () => slow.received.length === 1);
  await removeHost(lab.db, other.hostId);
  await lab.orchestration.requestPeers(zoneId);
  await until('the first one lets the removed one in no more', () => {
    const hostIds = one.received.at(-1)?.hostIds ?? [];
    return hostIds.length === 2 && !hostIds.includes(other.hostId);
  });
  answer.resolve();
  await result();
  expect(slow.received.at(-1)?.hostIds).not.toContain(other.hostId);
});

test('a host that was told before is told who came and went, unless its release is older', async () => {
  const { zoneId } = lab;
  const handle = lab.temporal.client.workflow.getHandle(peersWorkflowId(zoneId));
  const tell = async (): Promise<unknown> => {
    await lab.orchestration.requestPeers(zoneId);
    return handle.result();
  };
  const today = await addHostWithDoor(lab, 'door-today');
  const older = await addHostWithDoor(lab, 'door-older', undefined, ['peers']);
  await tell();
  // Hosts that are Down are in the list as well.
  await addDoors(1000);
  await tell();
  const [{ hostIds } = { hostIds: [] }] = today.received.slice(-1);
  expect(hostIds.length).toBeGreaterThan(1000);
  const [came] = await addDoors(1);
  await removeHost(lab.db, hostIds.at(-1) ?? '');
  const before = older.received.length;
  await tell();
  expect(today.changes.slice(-1)).toMatchObject([{ added: [came], removed: [hostIds.at(-1)] }]);
  for (const { received } of [today, older]) {
    expect(new Set(received.at(-1)?.hostIds)).toEqual(new Set([...hostIds.slice(0, -1), came]));
  }
  expect([older.changes.length, older.received.length - before]).toEqual([0, 1]);
  const sizes = (await handle.fetchHistory()).events?.map((event) => JSON.stringify(event).length) ?? [];
  // The list of a thousand hosts, for the older one alone: from the one activity to the next.
  expect(sizes.filter((size) => size > 30_000)).toHaveLength(2);
  expect(await tell()).toEqual({ v: 1, told: 0 });
});

/** Rows of hosts with doors that are Down. @returns their UUIDs */
async function addDoors(count: number): Promise<readonly string[]> {
  const { rows } = await sql<{ uuid: string }>`
    insert into host (uuid, name, data_center_id, cluster_id, resource_state, signing_key, sealing_key, peer)
    select gen_random_uuid(), 'row', data_center_id, cluster_id, 'Enabled', '', '', '{"address": "a:1", "uploads": 1}'
    from generate_series(1, ${count}::integer), (select * from host limit 1) one
    returning uuid`.execute(lab.db);
  return rows.map(({ uuid }) => uuid);
}
