/** Copies of deleted images that nothing uses: a look finds as many as it may, and those of the next looks all others. */
import { sql } from 'kysely';
import { unusedCopies } from '../../db/copies/users.ts';
import { openDbLab } from '../labs/db.ts';
import type { DbLab } from '../labs/db.ts';

let lab: DbLab;
beforeAll(async () => {
  lab = await openDbLab();
});
afterAll(() => lab.close());

test('a look finds no more than its limit, and every copy is found in the end', async () => {
  const { uuid: hostId } = await lab.addHost();
  const { id: templateId } = await lab.addTemplate();
  for (const name of ['one', 'two', 'three', 'four', 'five']) {
    const { id: poolId } = await lab.addPool(hostId, { name });
    await sql`
      insert into template_spool_ref (template_id, pool_id) select ${templateId}, id from storage_pool where uuid = ${poolId}`.execute(
      lab.db,
    );
  }
  expect(await unusedCopies(lab.db, 10)).toEqual([]);
  await sql`update vm_template set state = 'Inactive', removed = now() where id = ${templateId}`.execute(
    lab.db,
  );
  const found: string[] = [];
  for (const expected of [2, 2, 1, 0]) {
    const copies = await unusedCopies(lab.db, 2);
    expect(copies).toHaveLength(expected);
    for (const { poolId, poolName } of copies) {
      found.push(poolName);
      await sql`
        delete from template_spool_ref where pool_id = (select id from storage_pool where uuid = ${poolId})`.execute(
        lab.db,
      );
    }
  }
  expect(found.toSorted()).toEqual(['five', 'four', 'one', 'three', 'two']);
});
