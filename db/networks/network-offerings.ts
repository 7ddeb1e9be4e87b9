/** Network offerings: what networks may be like. A removed one stays for the networks that use it. */
import { sql, type Updateable } from 'kysely';
import type { Queryable } from '../database.ts';
import type { NewRow, Row, Tables } from '../tables.ts';

export type NetworkOffering = Row<'network_offerings'>;
export type NewNetworkOffering = Omit<NewRow<'network_offerings'>, 'id' | 'uuid' | 'created' | 'removed'>;
/** What is undefined stays as it is. */
export type NetworkOfferingChanges = Pick<
  Updateable<Tables['network_offerings']>,
  'name' | 'display_text' | 'availability' | 'state' | 'sort_key' | 'max_connections' | 'tags'
>;

export const createNetworkOffering = async (db: Queryable, offering: NewNetworkOffering): Promise<string> =>
  (await db.insertInto('network_offerings').values(offering).returning('uuid').executeTakeFirstOrThrow())
    .uuid;

export async function updateNetworkOffering(
  db: Queryable,
  offeringId: number,
  changes: NetworkOfferingChanges,
): Promise<void> {
  if (Object.values(changes).every((value) => value === undefined)) return;
  await db.updateTable('network_offerings').set(changes).where('id', '=', offeringId).execute();
}

/** Removes an offering unless networks have it. @returns how many have it */
export async function removeNetworkOffering(tx: Queryable, offeringId: number): Promise<number> {
  // A network that is made meanwhile waits for this lock, and then finds no such offering.
  await tx.selectFrom('network_offerings').where('id', '=', offeringId).select('id').forUpdate().execute();
  const { count } = await tx
    .selectFrom('networks')
    .where('network_offering_id', '=', offeringId)
    .where('removed', 'is', null)
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  if (count === 0)
    await tx
      .updateTable('network_offerings')
      .set({ removed: sql`now()`, state: 'Disabled' })
      .where('id', '=', offeringId)
      .execute();
  return count;
}

/** One that was not removed. */
export const findNetworkOffering = (db: Queryable, uuid: string): Promise<NetworkOffering | undefined> =>
  db
    .selectFrom('network_offerings')
    .where('uuid', '=', uuid)
    .where('removed', 'is', null)
    .selectAll()
    .executeTakeFirst();

/** The offering of a network, even a removed one. */
export const offeringOfNetwork = (
  db: Queryable,
  { network_offering_id }: Pick<Row<'networks'>, 'network_offering_id'>,
): Promise<NetworkOffering> =>
  db
    .selectFrom('network_offerings')
    .where('id', '=', network_offering_id)
    .selectAll()
    .executeTakeFirstOrThrow();
