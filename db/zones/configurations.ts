/** Settings kept in the database: those of the installation, and those of a zone, which take precedence. */
import type { ConfigurationValues } from '../../model/configurations.ts';
import type { Queryable } from '../database.ts';

/** What was set: by the zone when it is given, else for all. */
export async function configurationValues(db: Queryable, zoneId?: number): Promise<ConfigurationValues> {
  const common = await db.selectFrom('configuration').select(['name', 'value']).execute();
  const own =
    zoneId === undefined
      ? []
      : await db
          .selectFrom('data_center_details')
          .where('data_center_id', '=', zoneId)
          .select(['name', 'value'])
          .execute();
  return Object.fromEntries([...common, ...own].map(({ name, value }) => [name, value]));
}

/** Those that hold for a host: of its zone. */
export async function configurationOfHost(db: Queryable, hostId: string): Promise<ConfigurationValues> {
  const host = await db
    .selectFrom('host')
    .where('uuid', '=', hostId)
    .select('data_center_id')
    .executeTakeFirst();
  return configurationValues(db, host?.data_center_id);
}

/** Those that hold for a storage pool: of its zone. */
export async function configurationOfPool(db: Queryable, poolId: string): Promise<ConfigurationValues> {
  const pool = await db
    .selectFrom('storage_pool')
    .where('uuid', '=', poolId)
    .select('data_center_id')
    .executeTakeFirst();
  return configurationValues(db, pool?.data_center_id);
}

/** @param value undefined deletes the setting, so that that of the installation, or the default, applies again */
export async function setConfiguration(
  db: Queryable,
  name: string,
  value: string | undefined,
  zoneId?: number,
): Promise<void> {
  if (zoneId === undefined) {
    await db.deleteFrom('configuration').where('name', '=', name).execute();
    if (value !== undefined) await db.insertInto('configuration').values({ name, value }).execute();
    return;
  }
  await db
    .deleteFrom('data_center_details')
    .where('data_center_id', '=', zoneId)
    .where('name', '=', name)
    .execute();
  if (value === undefined) return;
  await db.insertInto('data_center_details').values({ data_center_id: zoneId, name, value }).execute();
}
