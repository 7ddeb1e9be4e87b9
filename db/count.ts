/**
 * The number of entries of a list, cached until something that it counts changes. Triggers insert a row into
 * `list_change` for each such change, in its transaction. The set of these rows is the version of a subject: while it is
 * the same, the cached count holds.
 */
import { type Compilable, sql } from 'kysely';
import type { Queryable } from './database.ts';

/** A subject whose changes are recorded in `list_change`. */
export type Counted = 'template' | 'copy' | 'event';

interface CachedCount {
  /** Of the subject, before the count. */
  readonly version: string;
  readonly count: number;
}

/** Counts that are cached; the oldest goes first. */
const MAX_CACHED = 1000;

const cached = new Map<string, CachedCount>();

/** @param query reads only tables whose changes are recorded for the subject */
export async function countOf(
  db: Queryable,
  subject: Counted,
  query: Compilable<{ count: number }>,
): Promise<number> {
  const compiled = query.compile();
  const key = JSON.stringify([compiled.sql, compiled.parameters]);
  // Read before counting: the count then includes at least the changes of this version.
  const version = await versionOf(db, subject);
  const before = cached.get(key);
  if (before?.version === version) return before.count;
  const { rows } = await db.executeQuery(compiled);
  const count = rows[0]?.count ?? 0;
  cached.delete(key);
  cached.set(key, { version, count });
  const [oldest] = cached.keys();
  if (cached.size > MAX_CACHED && oldest !== undefined) cached.delete(oldest);
  return count;
}

/** The ids are UUIDs, so that two databases never have the same version. */
async function versionOf(db: Queryable, subject: Counted): Promise<string> {
  const { rows } = await sql<{ version: string | null }>`
    select md5(string_agg(id::text, ',' order by id)) as version
    from list_change where subject = ${subject}`.execute(db);
  return rows[0]?.version ?? '';
}

/** A subject with more changes than this gets a single new one in their place. */
const FOLD_ABOVE = 20;

/** Keeps `list_change` short, since each count reads it. @returns how many rows went, at most `limit` */
export async function foldChanges(db: Queryable, limit: number): Promise<number> {
  const { rows } = await sql<{ readonly count: number }>`
    with folded as (
      delete from list_change where id = any (array(
        select id from list_change where subject in (
          select subject from list_change group by subject having count(*) > ${FOLD_ABOVE})
        limit ${limit} for update skip locked))
      returning subject),
    noted as (insert into list_change (subject) select distinct subject from folded)
    select count(*) as count from folded`.execute(db);
  return rows[0]?.count ?? 0;
}
