/** Which copies are verified anew next: one for each host that is free, the one that was verified the longest ago first. */
import { sql } from 'kysely';
import { nextVerifications, zonesToVerify } from '../../db/copies/due-verifications.ts';
import { allZones } from '../../db/zones/zones.ts';
import { openDbLab } from '../labs/db.ts';
import type { DbLab } from '../labs/db.ts';

let lab: DbLab;
beforeEach(async () => {
  lab = await openDbLab();
  await sql`insert into configuration (name, value) values ('storage.verification.interval', '30')`.execute(
    lab.db,
  );
});
afterEach(() => lab.close());

/** A host that hashes copies slowly. */
async function ableHost(name: string): Promise<string> {
  const { uuid } = await lab.addHost(name);
  await sql`update host set last_seen = now(), capabilities = '{"features": ["pacedHash"]}' where uuid = ${uuid}`.execute(
    lab.db,
  );
  return uuid;
}

/** Ready copies on a pool, verified so many days ago. */
async function copiesOn(poolId: string, days: readonly number[]): Promise<void> {
  for (const ago of days) {
    const { id } = await lab.addTemplate();
    await sql`
      insert into template_spool_ref (template_id, pool_id, state, download_state, sha256, verified)
      select ${id}, id, 'Ready', 'DOWNLOADED', 'x', now() - make_interval(days => ${ago}) from storage_pool
      where uuid = ${poolId}`.execute(lab.db);
  }
}

const next = async (limit: number, busy: readonly string[] = []): Promise<readonly string[]> =>
  (await nextVerifications(lab.db, lab.zone.uuid, busy, limit)).map(({ hostName }) => hostName);

test('a host with many due copies, on several pools, takes no place of other hosts', async () => {
  const full = await ableHost('full');
  for (const name of ['first', 'second']) {
    const { id } = await lab.addPool(full, { name });
    await copiesOn(id, [400, 390, 380, 370]);
  }
  const other = await ableHost('other');
  await copiesOn((await lab.addPool(other, { name: 'third' })).id, [100, 90]);
  expect(await zonesToVerify(lab.db, await allZones(lab.db))).toEqual([lab.zone.uuid]);
  expect(await next(2)).toEqual(['full', 'other']);
  expect(await next(2, [full])).toEqual(['other']);
  expect(await next(2, [full, other])).toEqual([]);
  // Each is asked for once a day, and so every one has its turn.
  for (let looks = 0; looks < 7; looks += 1) expect(await next(2)).toEqual(['full']);
  expect(await next(2)).toEqual([]);
  expect(await zonesToVerify(lab.db, await allZones(lab.db))).toEqual([]);
});

test('hosts that share a pool verify different copies of it at a time', async () => {
  const [one, two] = [await ableHost('one'), await ableHost('two')];
  const shared = await lab.addPool(one, { scope: 'CLUSTER', type: 'SharedMountPoint' });
  await lab.addPool(two, shared);
  await copiesOn(shared.id, [100, 200, 300, 10]);
  const due = await nextVerifications(lab.db, lab.zone.uuid, [], 5);
  expect(due.map(({ hostName }) => hostName).toSorted()).toEqual(['one', 'two']);
  expect(new Set(due.map(({ templateId }) => templateId)).size).toBe(2);
  expect(await next(5)).toHaveLength(1);
  expect(await next(5)).toEqual([]);
});
