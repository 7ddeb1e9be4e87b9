/** Asynchronous jobs as their callers ask for them. */
import { type SelectQueryBuilder, sql } from 'kysely';
import { jobStatus } from '../../model/states.ts';
import type { Queryable } from '../database.ts';
import type { Row, Tables } from '../tables.ts';
import { containing, type Listing, type Page } from '../page.ts';

export type JobListRow = Row<'async_job'> & {
  readonly account_uuid: string;
  readonly account_name: string;
  readonly user_uuid: string;
  /** Copies that it is about, and how many of them are settled. */
  readonly copies: number;
  readonly settled: number;
};

const progress = [
  sql<number>`(select count(*) from async_job_copy w where w.job_id = async_job.id)`.as('copies'),
  sql<number>`(select count(w.settled) from async_job_copy w where w.job_id = async_job.id)`.as('settled'),
] as const;

export const findJob = (db: Queryable, uuid: string): Promise<JobListRow | undefined> =>
  shown(db.selectFrom('async_job').where('async_job.uuid', '=', uuid)).executeTakeFirst();

/** Whether a job has not ended, and whose it is. */
export const jobState = (
  db: Queryable,
  uuid: string,
): Promise<Pick<JobListRow, 'account_id' | 'job_status'> | undefined> =>
  db.selectFrom('async_job').where('uuid', '=', uuid).select(['account_id', 'job_status']).executeTakeFirst();

/** Those of the jobs that have ended, or are gone. */
export async function endedJobs(db: Queryable, uuids: readonly string[]): Promise<readonly string[]> {
  const { rows } = await sql<{ readonly uuid: string }>`
    select asked.uuid from unnest(${uuids}::uuid[]) asked (uuid)
    left join async_job on async_job.uuid = asked.uuid
    where async_job.job_status is distinct from ${jobStatus.pending}`.execute(db);
  return rows.map(({ uuid }) => uuid);
}

/** The newest of those that match. */
export const newestJob = (db: Queryable, query: JobQuery): Promise<JobListRow | undefined> =>
  shown(matching(db, query)).orderBy('async_job.id', 'desc').limit(1).executeTakeFirst();

/** Named, so that PostgreSQL can prepare the statement (prepared.ts): clients ask for their jobs again and again. */
const COLUMNS = [
  'async_job.id',
  'async_job.uuid',
  'async_job.account_id',
  'async_job.user_id',
  'async_job.job_cmd',
  'async_job.job_status',
  'async_job.job_result_code',
  'async_job.job_result',
  'async_job.job_params',
  'async_job.instance_type',
  'async_job.instance_uuid',
  'async_job.created',
  'async_job.completed',
] as const;

const shown = (jobs: SelectQueryBuilder<Tables, 'async_job', object>) =>
  jobs
    .innerJoin('account', 'account.id', 'async_job.account_id')
    .innerJoin('user', 'user.id', 'async_job.user_id')
    .select(COLUMNS)
    .select(['account.uuid as account_uuid', 'account.account_name', 'user.uuid as user_uuid', ...progress]);

/** A job of this command for this resource that is not done. */
export const findPendingJob = (
  db: Queryable,
  job: { readonly cmd: string; readonly instanceUuid: string },
): Promise<{ readonly uuid: string } | undefined> =>
  db
    .selectFrom('async_job')
    .where('job_cmd', '=', job.cmd)
    .where('instance_uuid', '=', job.instanceUuid)
    .where('job_status', '=', jobStatus.pending)
    .select('uuid')
    .orderBy('id')
    .executeTakeFirst();

export interface JobQuery {
  readonly accountId?: number | undefined;
  readonly start?: Date | undefined;
  readonly status?: number | undefined;
  /** What they work on: CloudStack's name of its type, and its UUID. */
  readonly instanceType?: string | undefined;
  readonly instanceId?: string | undefined;
  /** Part of the name of the command. */
  readonly keyword?: string | undefined;
}

export async function listJobs(
  db: Queryable,
  query: JobQuery,
  { limit, offset }: Page,
): Promise<Listing<JobListRow>> {
  const { count } = await matching(db, query)
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  if (count <= offset) return { count, rows: [] };
  // The page is found in an index; only its rows are read.
  const page = matching(db, query)
    .select('async_job.id')
    .orderBy('async_job.id', 'desc')
    .limit(limit)
    .offset(offset);
  const rows = await shown(db.selectFrom('async_job'))
    .innerJoin(page.as('page'), 'page.id', 'async_job.id')
    .orderBy('async_job.id', 'desc')
    .execute();
  return { count, rows };
}

function matching(db: Queryable, query: JobQuery) {
  const { accountId, start, status, instanceType, instanceId, keyword } = query;
  let jobs = db.selectFrom('async_job');
  if (accountId !== undefined) jobs = jobs.where('async_job.account_id', '=', accountId);
  if (start !== undefined) jobs = jobs.where('async_job.created', '>=', start);
  if (status !== undefined) jobs = jobs.where('async_job.job_status', '=', status);
  if (instanceType !== undefined) jobs = jobs.where('async_job.instance_type', '=', instanceType);
  if (instanceId !== undefined) jobs = jobs.where('async_job.instance_uuid', '=', instanceId);
  if (keyword !== undefined) jobs = jobs.where('async_job.job_cmd', 'ilike', containing(keyword));
  return jobs;
}
