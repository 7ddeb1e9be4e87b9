/** Disk offerings: what a disk is given. A removed one stays for the disks that use it. */
import { sql, type Updateable } from 'kysely';
import type { Queryable } from '../database.ts';
import type { NewRow, Row, Tables } from '../tables.ts';

export type DiskOffering = Row<'disk_offering'>;
export type NewDiskOffering = Omit<NewRow<'disk_offering'>, 'id' | 'uuid' | 'created' | 'removed'>;
/** What is undefined stays as it is. */
export type DiskOfferingChanges = Pick<
  Updateable<Tables['disk_offering']>,
  'name' | 'display_text' | 'tags' | 'cache_mode' | 'display_offering' | 'state' | 'sort_key'
>;

export const createDiskOffering = async (db: Queryable, offering: NewDiskOffering): Promise<string> =>
  (await db.insertInto('disk_offering').values(offering).returning('uuid').executeTakeFirstOrThrow()).uuid;

export async function updateDiskOffering(
  db: Queryable,
  offeringId: number,
  changes: DiskOfferingChanges,
): Promise<void> {
  if (Object.values(changes).every((value) => value === undefined)) return;
  await db.updateTable('disk_offering').set(changes).where('id', '=', offeringId).execute();
}

export async function removeDiskOffering(db: Queryable, offeringId: number): Promise<void> {
  await db
    .updateTable('disk_offering')
    .set({ removed: sql`now()`, state: 'Inactive' })
    .where('id', '=', offeringId)
    .execute();
}

/** One that was not removed. */
export const findDiskOffering = (db: Queryable, uuid: string): Promise<DiskOffering | undefined> =>
  db
    .selectFrom('disk_offering')
    .where('uuid', '=', uuid)
    .where('removed', 'is', null)
    .selectAll()
    .executeTakeFirst();
