/** How many entries a list has in all: counted once, and known from then on as long as nothing was changed. */
import { type Compilable, sql } from 'kysely';
import type { Queryable } from '../database.ts';

/** What is counted. Triggers write down each change of it, committed with the change itself. */
export type Counted = 'template' | 'copy' | 'event';

interface Known {
  /** Names every change that the count has seen. */
  readonly version: string;
  readonly count: number;
}

/** Questions that are asked again; of many others each pushes out the oldest. */
const MOST_KNOWN = 1000;

const known = new Map<string, Known>();

/** @param query reads nothing but tables whose changes are written down */
export async function countOf(
  db: Queryable,
  subject: Counted,
  query: Compilable<{ count: number }>,
): Promise<number> {
  const compiled = query.compile();
  const key = JSON.stringify([compiled.sql, compiled.parameters]);
  // Before the count, which then has seen what the version names, or more.
  const version = await versionOf(db, subject);
  const before = known.get(key);
  if (before?.version === version) return before.count;
  const { rows } = await db.executeQuery(compiled);
  const count = rows[0]?.count ?? 0;
  known.delete(key);
  known.set(key, { version, count });
  const [oldest] = known.keys();
  if (known.size > MOST_KNOWN && oldest !== undefined) known.delete(oldest);
  return count;
}

/** Changes are named by UUIDs, so that it is another one in every database, too. */
async function versionOf(db: Queryable, subject: Counted): Promise<string> {
  const { rows } = await sql<{ version: string | null }>`
    select md5(string_agg(id::text, ',' order by id)) as version
    from list_change where subject = ${subject}`.execute(db);
  return rows[0]?.version ?? '';
}

/** From so many on, changes are put together as one. */
const FEW = 20;

/** Keeps what was written down short. */
export async function foldChanges(db: Queryable): Promise<void> {
  await sql`
    with folded as (
      delete from list_change where subject in (
        select subject from list_change group by subject having count(*) > ${FEW})
      returning subject)
    insert into list_change (subject) select distinct subject from folded`.execute(db);
}
