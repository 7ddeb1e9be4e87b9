import { sql } from 'kysely';
import { takeHostsToDescribe } from '../../db/hosts/hosts.ts';
import { openDbLab } from '../labs/db.ts';
import type { DbLab } from '../labs/db.ts';

let lab: DbLab;
beforeAll(async () => {
  lab = await openDbLab();
});
afterAll(() => lab.close());

const ROUNDS = 4;

test('every host has its turn to be asked for its report, although none of those asked before answers', async () => {
  for (let n = 0; n < 2 * ROUNDS; n += 1) await lab.addHost(`host-${n}`);
  await lab.db
    .updateTable('host')
    .set({ last_seen: sql`now()` })
    .execute();
  const asked = [];
  for (let round = 0; round < ROUNDS; round += 1) asked.push(await takeHostsToDescribe(lab.db, 0, 2));
  expect(new Set(asked.flat().map(({ name }) => name)).size).toBe(2 * ROUNDS);
  // Then the turns begin anew.
  expect((await takeHostsToDescribe(lab.db, 0, 2)).map(({ name }) => name).sort()).toEqual(
    (asked[0] ?? []).map(({ name }) => name).sort(),
  );
});
