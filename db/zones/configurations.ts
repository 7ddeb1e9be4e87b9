/** Settings kept in the database: those of the installation, and those of a zone, which take precedence. */
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { ConfigurationValues } from '../../model/configurations.ts';
import type { Queryable } from '../database.ts';

/** What was set: by the zone when it is given, else for all. */
export const configurationValues = (db: Queryable, zoneId?: number): Promise<ConfigurationValues> =>
  valuesIn(db, sql`${zoneId ?? null}::bigint`);

/** Those that hold for a storage pool: of its zone. */
export const configurationOfPool = (db: Queryable, poolId: string): Promise<ConfigurationValues> =>
  valuesIn(db, sql`(select data_center_id from storage_pool where uuid = ${poolId})`);

/**
 * As a column.
 * @param zone its key, or null for those of the installation alone
 */
export const valuesOf = (zone: RawBuilder<unknown>): RawBuilder<ConfigurationValues> => sql`(
  select coalesce(jsonb_object_agg(name, value order by own), '{}') from (
    select name, value, false as own from configuration
    union all select name, value, true from data_center_details where data_center_id = ${zone}) one)`;

async function valuesIn(db: Queryable, zone: RawBuilder<unknown>): Promise<ConfigurationValues> {
  const { rows } = await sql<{ readonly values: ConfigurationValues }>`
    select ${valuesOf(zone)} as values`.execute(db);
  return rows[0]?.values ?? {};
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
