/** The end of a zone or a cluster: only when nothing stands in it any more. */
import { sql } from 'kysely';
import type { Database, Queryable } from '../database.ts';

/** What stands in a zone or cluster, such as `host` → names. */
export type Occupants = Readonly<Record<string, readonly string[]>>;

/**
 * Removes a zone with its settings and invites. A template that is in other zones too is no longer in this one.
 * @returns what stands in it, when that is anything: then the zone stays
 */
export const removeZone = (db: Database, zoneId: number): Promise<Occupants> =>
  db.transaction().execute(async (tx) => {
    // Whatever is to stand in the zone waits for this lock, and then finds no zone.
    await tx.selectFrom('data_center').where('id', '=', zoneId).select('id').forUpdate().executeTakeFirst();
    const occupants = await occupantsOfZone(tx, zoneId);
    if (!isEmpty(occupants)) return occupants;
    // What is left of expunged machines, with their disks and network cards, goes with the zone.
    await tx.deleteFrom('vm_instance').where('data_center_id', '=', zoneId).execute();
    await tx.deleteFrom('volumes').where('data_center_id', '=', zoneId).execute();
    await tx.deleteFrom('data_center').where('id', '=', zoneId).execute();
    return occupants;
  });

/** @returns what stands in it, when that is anything: then the cluster stays */
export const removeCluster = (db: Database, clusterId: number): Promise<Occupants> =>
  db.transaction().execute(async (tx) => {
    await tx.selectFrom('cluster').where('id', '=', clusterId).select('id').forUpdate().executeTakeFirst();
    const occupants = {
      host: await names(tx.selectFrom('host').where('cluster_id', '=', clusterId).select('name').execute()),
      'storage pool': await names(
        tx.selectFrom('storage_pool').where('cluster_id', '=', clusterId).select('name').execute(),
      ),
    };
    if (isEmpty(occupants)) await tx.deleteFrom('cluster').where('id', '=', clusterId).execute();
    return occupants;
  });

export const isEmpty = (occupants: Occupants): boolean =>
  Object.values(occupants).every((found) => found.length === 0);

const occupantsOfZone = async (tx: Queryable, zoneId: number): Promise<Occupants> => ({
  host: await names(tx.selectFrom('host').where('data_center_id', '=', zoneId).select('name').execute()),
  cluster: await names(
    tx.selectFrom('cluster').where('data_center_id', '=', zoneId).select('name').execute(),
  ),
  'storage pool': await names(
    tx.selectFrom('storage_pool').where('data_center_id', '=', zoneId).select('name').execute(),
  ),
  'template or ISO': await names(
    tx
      .selectFrom('vm_template')
      .innerJoin('template_zone_ref', 'template_zone_ref.template_id', 'vm_template.id')
      .where('template_zone_ref.zone_id', '=', zoneId)
      .where('vm_template.zones', '=', 1)
      .where('vm_template.removed', 'is', null)
      .select('vm_template.name')
      .execute(),
  ),
  'virtual machine': await names(
    tx
      .selectFrom('vm_instance')
      .where('data_center_id', '=', zoneId)
      .where('removed', 'is', null)
      .select('display_name as name')
      .execute(),
  ),
  network: await names(
    tx
      .selectFrom('networks')
      .where('data_center_id', '=', zoneId)
      .where('removed', 'is', null)
      .select('name')
      .execute(),
  ),
  // An offering without zones would be offered everywhere.
  'service offering': await names(
    tx
      .selectFrom('service_offering')
      .where('removed', 'is', null)
      .where(
        sql<boolean>`array(
          select zone_id from service_offering_zone r where r.service_offering_id = service_offering.id)
          = array[${zoneId}::bigint]`,
      )
      .select('name')
      .execute(),
  ),
  certificate: await names(
    tx
      .selectFrom('direct_download_certificate')
      .where('zone_id', '=', zoneId)
      .select('alias as name')
      .execute(),
  ),
});

const names = async (rows: Promise<readonly { readonly name: string }[]>): Promise<readonly string[]> =>
  (await rows).map(({ name }) => name).toSorted();
