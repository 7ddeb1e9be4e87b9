/** The orders of the list of copies. */
import { sql } from 'kysely';
import { DEPLOYMENT_COLUMNS, listDeployments } from '../../db/copies/listing.ts';
import { openDbLab } from '../labs/db.ts';
import type { DbLab } from '../labs/db.ts';

let lab: DbLab;
beforeAll(async () => {
  lab = await openDbLab();
  const templates = [await lab.addTemplate(), await lab.addTemplate()];
  for (const name of ['one', 'two', 'three', 'four']) {
    const host = await lab.addHost(name);
    const pool = await lab.addPool(host.uuid, { name });
    for (const { id } of templates)
      await sql`
        insert into template_spool_ref (template_id, pool_id, state, last_updated)
        select ${id}, pool.id, case when pool.id % 2 = 0 then 'Failed' else 'Ready' end,
          now() - pool.id % 3 * interval '1 minute'
        from storage_pool pool where pool.uuid = ${pool.id}`.execute(lab.db);
  }
});
afterAll(() => lab.close());

// So one index serves both, from either end, however many copies are equal.
test.each(DEPLOYMENT_COLUMNS)('a list by %s is reversed exactly when it is descending', async (by) => {
  const ids = async (direction: 'asc' | 'desc'): Promise<readonly number[]> => {
    const page = { limit: 100, offset: 0 };
    const { rows } = await listDeployments(lab.db, { order: { by, direction } }, page);
    return rows.map(({ id }) => id);
  };
  const ascending = await ids('asc');
  expect(ascending).toHaveLength(8);
  expect(await ids('desc')).toEqual(ascending.toReversed());
});
