/** What holds for the jobs of a host: what is set for its zone, and the endpoints that no URL of a template may lead to. */
import { sql } from 'kysely';
import type { ConfigurationValues } from '../../model/configurations.ts';
import type { Queryable } from '../database.ts';
import { valuesOf } from '../zones/configurations.ts';
import { protectedNow } from './protected-endpoints.ts';

export interface HostRules {
  readonly values: ConfigurationValues;
  readonly endpoints: readonly string[];
}

export async function rulesOfHost(db: Queryable, hostId: string): Promise<HostRules> {
  const zone = sql`(select data_center_id from host where uuid = ${hostId})`;
  const { rows } = await sql<HostRules>`
    select ${valuesOf(zone)} as values, ${protectedNow} as endpoints`.execute(db);
  return rows[0] ?? { values: {}, endpoints: [] };
}
