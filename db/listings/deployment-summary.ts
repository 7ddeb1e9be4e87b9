/** All deployments in a few numbers. */
import { sql } from 'kysely';
import type { CopyState } from '../../model/states.ts';
import type { Queryable } from '../database.ts';

export interface DeploymentCounts {
  readonly byState: Readonly<Partial<Record<CopyState, number>>>;
  /** Failed, and did so within a day. */
  readonly failedLately: number;
}

/** @param accountId only those of this account's templates */
export async function countDeployments(
  db: Queryable,
  accountId: number | undefined,
): Promise<DeploymentCounts> {
  const rows = await db
    .selectFrom('template_spool_ref as copy')
    .innerJoin('vm_template as template', 'template.id', 'copy.template_id')
    .$if(accountId !== undefined, (some) => some.where('template.account_id', '=', accountId ?? 0))
    .groupBy('copy.state')
    .select(({ fn }) => [
      'copy.state',
      fn.countAll<number>().as('count'),
      sql<number>`count(*) filter (where copy.last_updated > now() - interval '1 day')`.as('lately'),
    ])
    .execute();
  return {
    byState: Object.fromEntries(rows.map(({ state, count }) => [state, count])),
    failedLately: rows.find(({ state }) => state === 'Failed')?.lately ?? 0,
  };
}

export interface Minute {
  readonly from: Date;
  /** That tries which have ended fetched in it, spread evenly over the time of each. */
  readonly bytes: number;
}

/** The last minutes, the oldest first; the last one is not over yet. */
export async function fetchedByMinute(
  db: Queryable,
  minutes: number,
  accountId: number | undefined,
): Promise<readonly Minute[]> {
  const own = accountId === undefined ? sql`true` : sql`template.account_id = ${accountId}`;
  const { rows } = await sql<Minute>`
    with minute as (
      select at as from_time, at + interval '1 minute' as to_time
      from generate_series(
        date_trunc('minute', now()) - ${minutes - 1} * interval '1 minute',
        date_trunc('minute', now()), interval '1 minute') as at),
    try as (
      select attempt.started, attempt.bytes,
        greatest(attempt.ended, attempt.started + interval '1 millisecond') as ended
      from download_attempt as attempt
      join template_spool_ref as copy on copy.id = attempt.copy_id
      join vm_template as template on template.id = copy.template_id
      where attempt.ended > now() - ${minutes} * interval '1 minute' and attempt.bytes > 0 and ${own})
    select minute.from_time as "from",
      coalesce(sum(try.bytes * extract(epoch from
        least(try.ended, minute.to_time) - greatest(try.started, minute.from_time)) /
        extract(epoch from try.ended - try.started)), 0)::float8 as bytes
    from minute left join try on try.started < minute.to_time and try.ended > minute.from_time
    group by minute.from_time order by minute.from_time`.execute(db);
  return rows;
}
