/** What one look of upkeep does at most, however big the fleet is, and that each has its turn. */
import { sql } from 'kysely';
import { createReportActivities } from '../../activities/control/reports.ts';
import { watchUnknownHosts } from '../../activities/control/unknown-hosts.ts';
import type { ControlDeps } from '../../activities/control/deps.ts';
import { unfinishedCopies } from '../../db/copies/copies.ts';
import { copiesUnderWay } from '../../db/copies/throughput.ts';
import { recordHeartbeats } from '../../db/hosts/hosts.ts';
import { createJob, pendingCopies, pendingDeletions } from '../../db/jobs/jobs.ts';
import { createRollout, takePendingRollouts } from '../../db/rollouts/rollouts.ts';
import { idleCopies } from '../../db/copies/idle.ts';
import { idleRegistrations } from '../../db/templates/registrations.ts';
import { createZone, takeZones } from '../../db/zones/zones.ts';
import { CURRENT_TIMING } from '../../model/rules/released.ts';
import { openDbLab } from '../labs/db.ts';
import type { DbLab } from '../labs/db.ts';

let lab: DbLab;
beforeEach(async () => {
  lab = await openDbLab();
});
afterEach(() => lab.close());

/** Bytes of a message to Temporal at which its server begins to warn, and which none comes near. */
const WARNED_OF = 256 * 1024;

const bytesOf = (message: unknown): number => JSON.stringify(message).length;

async function addHosts(count: number): Promise<readonly string[]> {
  const { rows } = await sql<{ uuid: string }>`
    insert into host (uuid, name, data_center_id, cluster_id, resource_state, signing_key, sealing_key, programs, last_seen)
    select gen_random_uuid(), rpad('host-' || n, 63, 'x'), ${lab.zone.id}, ${lab.cluster.id}, 'Enabled', 's', 's', '[]', now()
    from generate_series(1, ${count}::integer) n returning uuid`.execute(lab.db);
  return rows.map(({ uuid }) => uuid);
}

test('a zone of 1,000 hosts is asked in five rounds, and no message names more than 25 of them', async () => {
  await addHosts(1000);
  const reports = createReportActivities({ db: lab.db } as ControlDeps);
  const asked: string[] = [];
  for (let round = 1; round <= 5; round += 1) {
    for (let taken = 0, more = true; more;) {
      const next = await reports.nextReports(lab.zone.uuid, CURRENT_TIMING.reports, taken);
      if (next === undefined) throw new Error('there is no such zone');
      expect(next.hosts.length).toBeLessThanOrEqual(25);
      expect(bytesOf(next)).toBeLessThan(WARNED_OF / 50);
      asked.push(...next.hosts.map(({ hostId }) => hostId));
      taken += next.hosts.length;
      ({ more } = next);
    }
    expect(asked).toHaveLength(200 * round);
  }
  expect(new Set(asked).size).toBe(1000);
});

test('in a zone, nobody else is asked, and nobody when it was removed', async () => {
  const [host] = await addHosts(1);
  const other = await createZone(lab.db, { name: 'other' });
  const reports = createReportActivities({ db: lab.db } as ControlDeps);
  const next = (zone: string) => reports.nextReports(zone, CURRENT_TIMING.reports, 0);
  expect(await next(other.uuid)).toEqual({ hosts: [], more: false });
  expect(await next(lab.zone.uuid)).toMatchObject({ hosts: [{ hostId: host }], more: false });
  await lab.db.deleteFrom('data_center').where('id', '=', other.id).execute();
  expect(await next(other.uuid)).toBeUndefined();
});

test('heartbeats of 1,000 hosts are read and written by one statement each', async () => {
  const hostIds = await addHosts(1000);
  let statements = 0;
  const counting = lab.db.withPlugin({
    transformQuery({ node }) {
      statements += 1;
      return node;
    },
    transformResult: ({ result }) => Promise.resolve(result),
  });
  const seen = await recordHeartbeats(counting, new Map(hostIds.map((id) => [id, { worker: 'now' }])));
  expect(seen).toHaveLength(1000);
  expect(statements).toBe(2);
});

test('a look takes so many zones, and each has its turn', async () => {
  for (const name of ['zone-2', 'zone-3', 'zone-4', 'zone-5']) await createZone(lab.db, { name });
  const looks: (readonly string[])[] = [];
  while (looks.length < 4) looks.push((await takeZones(lab.db, 2)).map(({ name }) => name).sort());
  expect(looks).toEqual([
    ['zone', 'zone-2'],
    ['zone-3', 'zone-4'],
    ['zone', 'zone-5'],
    ['zone-2', 'zone-3'],
  ]);
});

const about = (cmd: string, instanceUuid: string) => ({
  accountId: lab.account.uuid,
  userId: lab.user.uuid,
  cmd,
  instanceType: 'Template',
  instanceUuid,
});

test('a look takes so many roll-outs, those first that have waited the longest, although those of the look before are still at work', async () => {
  const { uuid: hostId } = await lab.addHost();
  const pool = await lab.addPool(hostId);
  const names: Record<string, string> = {};
  for (const name of ['first', 'second', 'third', 'fourth', 'fifth']) {
    const { id, uuid } = await lab.addTemplate();
    const job = about('prepareTemplate', uuid);
    const row = { template_id: id, zone_id: lab.zone.id, selection: 'zone' } as const;
    names[await createRollout(lab.db, { job, poolIds: [pool.id], ...row })] = name;
  }
  const look = async () =>
    (await takePendingRollouts(lab.db, 0, 2)).map(({ jobId }) => names[jobId] ?? '').sort();
  expect([await look(), await look(), await look(), await look()]).toEqual([
    ['first', 'second'],
    ['fourth', 'third'],
    ['fifth', 'first'],
    ['second', 'third'],
  ]);
  expect(await takePendingRollouts(lab.db, 3600, 2)).toEqual([]);
});

/** Three rows of each kind that a sweep repairs, and what a look finds of them. */
async function rowsToRepair() {
  const { uuid: hostId } = await lab.addHost();
  for (const name of ['one', 'two', 'three']) {
    const pool = await lab.addPool(hostId, { name });
    const [made, unfinished, registered] = [
      await lab.addTemplate(),
      await lab.addTemplate(),
      await lab.addTemplate(),
    ];
    const jobId = await createJob(lab.db, about('prepareTemplate', made.uuid));
    await sql`
      insert into async_job_copy (job_id, template_uuid, pool_uuid)
      select id, ${made.uuid}, ${pool.id} from async_job where uuid = ${jobId}`.execute(lab.db);
    await createJob(lab.db, about('deleteTemplate', made.uuid));
    await sql`
      insert into template_spool_ref (template_id, pool_id, state, download_state, last_updated, fetching, idle_since)
      select ${unfinished.id}, id, 'Creating', 'DOWNLOAD_IN_PROGRESS', now() - interval '1 hour', null, null
      from storage_pool where uuid = ${pool.id}`.execute(lab.db);
    await sql`update vm_template set state = 'NotUploaded' where id = ${registered.id}`.execute(lab.db);
  }
}

const LOOKS: readonly (readonly [string, (limit: number) => Promise<readonly unknown[]>])[] = [
  ['copies that jobs wait for', (limit) => pendingCopies(lab.db, 0, limit)],
  ['copies without a workflow', (limit) => unfinishedCopies(lab.db, 0, limit)],
  ['deletions', (limit) => pendingDeletions(lab.db, 0, limit)],
  ['registrations', (limit) => idleRegistrations(lab.db, 0, limit)],
];

test.each(LOOKS)('a look takes so many %s, and in time finds each of them', async (_what, look) => {
  await rowsToRepair();
  const found = new Set<string>();
  for (let looks = 0; looks < 100 && found.size < 3; looks += 1) {
    const rows = await look(2);
    expect(rows).toHaveLength(2);
    for (const row of rows) found.add(JSON.stringify(row));
  }
  expect(found.size).toBe(3);
});

test('a count of running downloads reads so many, and the next one goes on after them', async () => {
  await rowsToRepair();
  const [first, second, third] = await copiesUnderWay(lab.db, 0, 10);
  expect(await copiesUnderWay(lab.db, 0, 2)).toEqual([first, second]);
  expect(await copiesUnderWay(lab.db, second?.id ?? 0, 2)).toEqual([third]);
});

test('a look at a pool takes so many unused copies, those first that nothing has used for the longest time, and says how many more there are', async () => {
  const { uuid: hostId } = await lab.addHost();
  const pool = await lab.addPool(hostId);
  for (const days of [3, 5, 4]) {
    const { id } = await lab.addTemplate();
    await sql`
      insert into template_spool_ref (template_id, pool_id, state, download_state, physical_size, idle_since)
      select ${id}, id, 'Ready', 'DOWNLOADED', ${days}, now() - make_interval(days => ${days}) from storage_pool
      where uuid = ${pool.id}`.execute(lab.db);
  }
  const { copies, more } = await idleCopies(lab.db, pool.id, 0, 2);
  expect(copies.map(({ size }) => size)).toEqual([5, 4]);
  expect(more).toBe(1);
});

test('of hosts that nobody knows, a look tells of a hundred, and the next one of the others', async () => {
  const ids = Array.from({ length: 150 }, (_, n) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`);
  const look = watchUnknownHosts(lab.db);
  let beat = 0;
  const told = async (): Promise<number> => {
    beat += 1;
    await look(new Map(ids.map((id) => [id, { worker: String(beat) }])));
    const { rows } = await sql<{ count: number }>`
      select count(*) from event where type = 'HOST.UNKNOWN'`.execute(lab.db);
    return Number(rows[0]?.count);
  };
  expect([await told(), await told(), await told(), await told()]).toEqual([0, 100, 150, 150]);
});
