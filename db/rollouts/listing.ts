/** Roll-outs as lists show them, newest first. */
import { type RawBuilder, sql } from 'kysely';
import type { RolloutCounts } from '../../model/rollout.ts';
import type { Queryable } from '../database.ts';
import { isCancelled, reasonsOf } from '../jobs/outcomes.ts';
import type { CopyError } from '../jobs/outcomes.ts';
import type { CopyUuids } from '../jobs/jobs.ts';
import type { Listing, Page } from '../page.ts';
import type { Row } from '../tables.ts';

/** What a roll-out is, in one word: its own state while it goes on, and then how it ended. */
export const SHOWN_ROLLOUT_STATES = ['Running', 'Paused', 'Cancelled', 'Completed', 'Failed'] as const;
export type ShownRolloutState = (typeof SHOWN_ROLLOUT_STATES)[number];

export interface RolloutQuery {
  /** UUID of its job. */
  readonly id?: string | undefined;
  readonly templateId?: string | undefined;
  readonly zoneId?: string | undefined;
  readonly state?: ShownRolloutState | undefined;
}

export interface RolloutListRow
  extends RolloutCounts, Omit<Row<'template_rollout'>, 'job_id' | 'template_id' | 'zone_id' | 'cluster_id'> {
  readonly uuid: string;
  readonly shown_state: ShownRolloutState;
  readonly created: Date;
  readonly completed: Date | null;
  readonly template_uuid: string;
  readonly template_name: string;
  readonly format: Row<'vm_template'>['format'];
  /** Bytes of one copy; 0 while they are not known. */
  readonly size: number;
  readonly zone_uuid: string;
  readonly zone_name: string;
  readonly cluster_uuid: string | null;
  readonly cluster_name: string | null;
  /** The account that asked. */
  readonly account_uuid: string;
  readonly account_name: string;
  readonly username: string;
  readonly errors: readonly CopyError[];
}

const shownState = sql<ShownRolloutState>`case
  when r.state = 'Cancelled' or job.job_status = 0 then r.state
  when job.job_status = 1 then 'Completed' else 'Failed' end`;

/** Each of the two reads an index alone: a roll-out to a fleet has thousands of copies, and a list hundreds of roll-outs. */
const counts = sql`(
  select count(*)::integer as total, count(settled)::integer as settled,
    count(*) filter (where settled is null and turn <> 'queued')::integer as running,
    count(*) filter (where settled is null and turn = 'queued')::integer as queued
  from async_job_copy where async_job_copy.job_id = job.id)`;
const unready = sql`(
  select count(*)::integer as count, count(*) filter (where ${isCancelled})::integer as cancelled
  from async_job_copy where async_job_copy.job_id = job.id and error_str is not null)`;

/** Unpacking may find the size of an image whose source did not tell it. */
const sizeOfCopy = sql<number>`coalesce(nullif(template.size, 0),
  (select max(copy.template_size) from template_spool_ref copy
   where copy.template_id = template.id and copy.state = 'Ready'), 0)`;

export async function listRollouts(
  db: Queryable,
  query: RolloutQuery,
  { limit, offset }: Page,
): Promise<Listing<RolloutListRow>> {
  const from = sql`
    from template_rollout r
    join async_job job on job.id = r.job_id
    join vm_template template on template.id = r.template_id
    join data_center zone on zone.id = r.zone_id
    where ${matching(query)}`;
  const counted = await sql<{ count: number }>`select count(*) as count ${from}`.execute(db);
  const { rows } = await sql<RolloutListRow>`
    select job.uuid, job.created, job.completed, r.selection, r.tag, r.origin, r.at_once, r.state, r.cancelled_by,
      ${shownState} as shown_state, template.uuid as template_uuid, template.name as template_name, template.format,
      ${sizeOfCopy} as size, zone.uuid as zone_uuid, zone.name as zone_name, cluster.uuid as cluster_uuid,
      cluster.name as cluster_name, account.uuid as account_uuid, account.account_name, "user".username, counts.total,
      counts.settled - unready.count as ready, unready.count - unready.cancelled as failed, unready.cancelled, counts.running, counts.queued, ${reasonsOf(sql`job.id`)} as errors
    from (select r.job_id ${from} order by r.job_id desc limit ${limit} offset ${offset}) page
    join template_rollout r on r.job_id = page.job_id
    join async_job job on job.id = r.job_id
    join vm_template template on template.id = r.template_id
    join data_center zone on zone.id = r.zone_id
    join account on account.id = job.account_id
    join "user" on "user".id = job.user_id
    left join cluster on cluster.id = r.cluster_id
    cross join lateral ${counts} counts
    cross join lateral ${unready} unready
    order by r.job_id desc`.execute(db);
  return { count: counted.rows[0]?.count ?? 0, rows };
}

const matching = ({ id, templateId, zoneId, state }: RolloutQuery): RawBuilder<unknown> =>
  sql.join(
    [
      sql`true`,
      ...(id === undefined ? [] : [sql`job.uuid = ${id}`]),
      ...(templateId === undefined ? [] : [sql`template.uuid = ${templateId}`]),
      ...(zoneId === undefined ? [] : [sql`zone.uuid = ${zoneId}`]),
      ...(state === undefined ? [] : [sql`${shownState} = ${state}`]),
    ],
    sql` and `,
  );

export const findRollout = async (db: Queryable, id: string): Promise<RolloutListRow | undefined> =>
  (await listRollouts(db, { id }, { limit: 1, offset: 0 })).rows[0];

/** A copy that a roll-out has begun, and that is not settled. */
export interface RunningCopy extends CopyUuids {
  /** UUID of the job. */
  readonly jobId: string;
  /** Bytes that lie on the pool, as it was last reported. */
  readonly keptBytes: number;
}

/** @param most of all together: each one's progress is asked of Temporal */
export async function runningCopies(
  db: Queryable,
  jobIds: readonly string[],
  most: number,
): Promise<readonly RunningCopy[]> {
  if (jobIds.length === 0) return [];
  const { rows } = await sql<RunningCopy>`
    select job.uuid as "jobId", w.template_uuid as "templateId", w.pool_uuid as "poolId",
      coalesce((pool.parts ->> copy.uuid::text)::bigint, 0) as "keptBytes"
    from async_job_copy w
    join async_job job on job.id = w.job_id
    join template_rollout r on r.job_id = job.id
    join storage_pool pool on pool.uuid = w.pool_uuid
    left join template_spool_ref copy on copy.template_id = r.template_id and copy.pool_id = pool.id
    where job.uuid = any(${jobIds}::uuid[]) and w.settled is null and w.turn <> 'queued'
    order by w.begun limit ${most}`.execute(db);
  return rows;
}
