/** Parts of this installation, as `host:port`: what its processes connect to and listen on. No URL may lead there. */
import { sql } from 'kysely';
import type { Database, Queryable } from './database.ts';

/** Seconds after which a part of which nobody told again is one no more. */
const KEPT = 3600;
const sinceKept = sql<Date>`now() - make_interval(secs => ${KEPT})`;

/** @param process that tells it; what it told before is forgotten */
export function noteParts(db: Database, process: string, parts: readonly string[]): Promise<void> {
  return db.transaction().execute(async (tx) => {
    await tx
      .deleteFrom('own_part')
      .where((where) => where.or([where('process', '=', process), where('seen', '<', sinceKept)]))
      .execute();
    const rows = [...new Set(parts)].map((part) => ({ process, part }));
    if (rows.length > 0) await tx.insertInto('own_part').values(rows).execute();
  });
}

export async function forgetParts(db: Queryable, process: string): Promise<void> {
  await db.deleteFrom('own_part').where('process', '=', process).execute();
}

export async function ownParts(db: Queryable): Promise<readonly string[]> {
  const rows = await db
    .selectFrom('own_part')
    .where('seen', '>=', sinceKept)
    .select('part')
    .distinct()
    .orderBy('part')
    .execute();
  return rows.map(({ part }) => part);
}
