/**
 * Counts of calls and of failed logins in windows of time, for all apis together. The clock is the database's, so that the
 * apis agree on where a window ends.
 */
import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import type { Queryable } from '../database.ts';

export type CallKind = 'calls' | 'logins';

export interface Counted {
  readonly kind: CallKind;
  /** The user, or the name and the address of a login. */
  readonly caller: string;
}

export interface CallCount {
  /** Calls counted in this window. */
  readonly issued: number;
  /** Milliseconds until the next window begins. */
  readonly expireAfter: number;
}

/** A login names its caller by what somebody typed, which may be long, or a password. */
const hash = (caller: string): string => createHash('sha256').update(caller).digest('base64url');

const LEFT = sql<number>`ceil(extract(epoch from window_ends - clock_timestamp()) * 1000)::integer`;

/** Counts calls; the first after a window has ended begins the next one. @returns the count with these calls */
export async function countCalls(
  db: Queryable,
  { kind, caller }: Counted,
  calls: number,
  windowMs: number,
): Promise<CallCount> {
  const { rows } = await sql<CallCount>`
    insert into call_count as known (kind, caller, window_ends, issued)
    values (${kind}, ${hash(caller)}, clock_timestamp() + ${windowMs} * interval '1 millisecond', ${calls})
    on conflict (kind, caller) do update set
      issued = case when known.window_ends > clock_timestamp() then known.issued else 0 end + excluded.issued,
      window_ends = case when known.window_ends > clock_timestamp() then known.window_ends else excluded.window_ends end
    returning issued, greatest(1, ${LEFT}) as "expireAfter"`.execute(db);
  return rows[0] ?? { issued: calls, expireAfter: windowMs };
}

/** Takes back one counted call of the present window. */
export async function giveBackCall(db: Queryable, { kind, caller }: Counted): Promise<void> {
  await db
    .updateTable('call_count')
    .set({ issued: sql`greatest(0, issued - 1)` })
    .where('kind', '=', kind)
    .where('caller', '=', hash(caller))
    .execute();
}

/** @returns undefined when no window is open */
export async function readCallCount(
  db: Queryable,
  { kind, caller }: Counted,
): Promise<CallCount | undefined> {
  return db
    .selectFrom('call_count')
    .where('kind', '=', kind)
    .where('caller', '=', hash(caller))
    .where('window_ends', '>', sql<Date>`clock_timestamp()`)
    .select(['issued', sql<number>`greatest(1, ${LEFT})`.as('expireAfter')])
    .executeTakeFirst();
}

/** Deletes counts of windows that have ended. Those that an api is just counting in are left to the next time. @returns how many */
export async function deleteEndedCounts(db: Queryable, batch: number): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    delete from call_count where ctid = any (array(
      select ctid from call_count where window_ends < now() order by window_ends limit ${batch} for update skip locked
    ))`.execute(db);
  return Number(numAffectedRows);
}
