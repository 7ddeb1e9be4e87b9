/** Service offerings: what a virtual machine is given. A removed one stays for the machines that use it. */
import { sql, type Updateable } from 'kysely';
import type { Queryable } from '../database.ts';
import type { NewRow, Row, Tables } from '../tables.ts';

export type ServiceOffering = Row<'service_offering'>;
export type NewServiceOffering = Omit<NewRow<'service_offering'>, 'id' | 'uuid' | 'created' | 'removed'>;
/** What is undefined stays as it is. */
export type ServiceOfferingChanges = Pick<
  Updateable<Tables['service_offering']>,
  'name' | 'display_text' | 'host_tags' | 'storage_tags' | 'state' | 'sort_key'
>;

/** @param zoneIds the zones that it is restricted to; none: it is offered everywhere */
export async function createServiceOffering(
  tx: Queryable,
  offering: NewServiceOffering,
  zoneIds: readonly number[],
): Promise<string> {
  const { id, uuid } = await tx
    .insertInto('service_offering')
    .values(offering)
    .returning(['id', 'uuid'])
    .executeTakeFirstOrThrow();
  await restrictToZones(tx, id, zoneIds);
  return uuid;
}

/** @param zoneIds as of `createServiceOffering`; undefined leaves the zones as they are */
export async function updateServiceOffering(
  tx: Queryable,
  offeringId: number,
  changes: ServiceOfferingChanges,
  zoneIds: readonly number[] | undefined,
): Promise<void> {
  if (Object.values(changes).some((value) => value !== undefined))
    await tx.updateTable('service_offering').set(changes).where('id', '=', offeringId).execute();
  if (zoneIds === undefined) return;
  await tx.deleteFrom('service_offering_zone').where('service_offering_id', '=', offeringId).execute();
  await restrictToZones(tx, offeringId, zoneIds);
}

async function restrictToZones(tx: Queryable, offeringId: number, zoneIds: readonly number[]): Promise<void> {
  if (zoneIds.length === 0) return;
  await tx
    .insertInto('service_offering_zone')
    .values(zoneIds.map((zone_id) => ({ service_offering_id: offeringId, zone_id })))
    .execute();
}

export async function removeServiceOffering(db: Queryable, offeringId: number): Promise<void> {
  await db
    .updateTable('service_offering')
    .set({ removed: sql`now()`, state: 'Inactive' })
    .where('id', '=', offeringId)
    .execute();
}

/** One that was not removed. */
export const findServiceOffering = (db: Queryable, uuid: string): Promise<ServiceOffering | undefined> =>
  db
    .selectFrom('service_offering')
    .where('uuid', '=', uuid)
    .where('removed', 'is', null)
    .selectAll()
    .executeTakeFirst();
