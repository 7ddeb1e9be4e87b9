/** How the copies of a job ended: how many are so, and why others failed. */
import { type RawBuilder, sql } from 'kysely';

/** Conditions on a row of `async_job_copy`. */
export const isReady = sql<boolean>`(async_job_copy.settled is not null and async_job_copy.error_str is null)`;
export const isCancelled = sql<boolean>`(async_job_copy.error_str is not null
  and coalesce(async_job_copy.error_kind, '') = 'Cancelled')`;
export const isFailed = sql<boolean>`(async_job_copy.error_str is not null
  and coalesce(async_job_copy.error_kind, '') <> 'Cancelled')`;

/** How many copies of a row of `async_job` are so. */
export const countOfCopies = (condition: RawBuilder<unknown>): RawBuilder<number> => sql<number>`(
  select count(*)::integer from async_job_copy where async_job_copy.job_id = async_job.id and ${condition})`;

/** One reason, for all copies that ended for it. */
export interface CopyError {
  readonly error: string;
  readonly errorkind: string | null;
  readonly count: number;
  /** Names of the first pools. */
  readonly storagenames: readonly string[];
}

/** Different reasons that the result of a job has. */
export const MAX_REASONS = 20;
const MAX_POOLS = 10;

/** Why copies of a job are not there: the most frequent reasons, each once. */
export const reasonsOf = (jobId: RawBuilder<unknown>): RawBuilder<readonly CopyError[]> => sql<
  readonly CopyError[]
>`(
  select coalesce(jsonb_agg(jsonb_build_object('error', reason.error_str, 'errorkind', reason.error_kind,
      'count', reason.copies, 'storagenames', reason.pools) order by reason.copies desc, reason.error_str), '[]')
  from (
    select w.error_str, w.error_kind, count(*) as copies,
      to_jsonb((array_agg(coalesce(p.name, w.pool_uuid::text) order by p.name))[1:${sql.lit(MAX_POOLS)}]) as pools
    from async_job_copy w left join storage_pool p on p.uuid = w.pool_uuid
    where w.job_id = ${jobId} and w.error_str is not null
    group by w.error_str, w.error_kind order by count(*) desc, w.error_str limit ${sql.lit(MAX_REASONS)}) reason)`;
