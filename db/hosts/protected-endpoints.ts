/**
 * Endpoints (`host:port`) of this installation that no URL of a template may lead to: what its processes listen on and
 * connect to. Each process publishes its own ones.
 */
import { sql } from 'kysely';
import type { Database, Queryable } from '../database.ts';

/** Seconds after which an endpoint that was not published again is protected no longer. */
const VALID_SECONDS = 3600;
const oldestValid = sql<Date>`now() - make_interval(secs => ${VALID_SECONDS})`;

/** Replaces the endpoints that a process published before, and removes what has expired. */
export function recordProtectedEndpoints(
  db: Database,
  process: string,
  endpoints: readonly string[],
): Promise<void> {
  return db.transaction().execute(async (tx) => {
    await tx
      .deleteFrom('protected_endpoint')
      .where((where) => where.or([where('process', '=', process), where('seen', '<', oldestValid)]))
      .execute();
    const rows = [...new Set(endpoints)].map((endpoint) => ({ process, endpoint }));
    if (rows.length > 0) await tx.insertInto('protected_endpoint').values(rows).execute();
  });
}

export async function removeProtectedEndpoints(db: Queryable, process: string): Promise<void> {
  await db.deleteFrom('protected_endpoint').where('process', '=', process).execute();
}

/** As a column. */
export const protectedNow = sql<readonly string[]>`array(
  select distinct endpoint from protected_endpoint where seen >= ${oldestValid} order by endpoint)`;
