/** What has happened is forgotten after a while. */
import { sql } from 'kysely';
import type { Retention } from '../model/configurations.ts';
import type { Queryable } from './database.ts';
import { foldChanges } from './listings/count.ts';

/** Rows that are removed at a time, so that no statement takes long. */
const BATCH = 5000;

export interface Forgotten {
  readonly jobs: number;
  readonly events: number;
}

/** Removes a batch of what is older than it has to be; what is not over yet is never removed. Puts changes of lists together. */
export async function forget(db: Queryable, { jobMinutes, eventDays }: Retention): Promise<Forgotten> {
  await foldChanges(db);
  return {
    jobs: jobMinutes === 0 ? 0 : await forgetJobs(db, jobMinutes),
    events: eventDays === 0 ? 0 : await forgetEvents(db, eventDays),
  };
}

async function forgetJobs(db: Queryable, minutes: number): Promise<number> {
  const removed = await sql`
    delete from async_job where id in (
      select id from async_job
      where completed < now() - make_interval(mins => ${minutes}) order by completed limit ${BATCH})`.execute(
    db,
  );
  return Number(removed.numAffectedRows ?? 0);
}

async function forgetEvents(db: Queryable, days: number): Promise<number> {
  const removed = await sql`
    delete from event where id in (
      select id from event where created < now() - make_interval(days => ${days}) order by created limit ${BATCH})`.execute(
    db,
  );
  return Number(removed.numAffectedRows ?? 0);
}
