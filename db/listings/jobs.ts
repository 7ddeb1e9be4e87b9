/** Asynchronous jobs as their callers ask for them. */
import { jobStatus } from '../../model/states.ts';
import type { Queryable } from '../database.ts';
import type { Row } from '../tables.ts';

export type JobListRow = Row<'async_job'> & { readonly account_uuid: string; readonly user_uuid: string };

export const findJob = (db: Queryable, uuid: string): Promise<JobListRow | undefined> =>
  db
    .selectFrom('async_job')
    .innerJoin('account', 'account.id', 'async_job.account_id')
    .innerJoin('user', 'user.id', 'async_job.user_id')
    .where('async_job.uuid', '=', uuid)
    .selectAll('async_job')
    .select(['account.uuid as account_uuid', 'user.uuid as user_uuid'])
    .executeTakeFirst();

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
