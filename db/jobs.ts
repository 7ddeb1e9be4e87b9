/** Asynchronous jobs: what `queryAsyncJobResult` tells, also when Temporal has forgotten the workflow. */
import { sql } from 'kysely';
import { jobStatus } from '../model/states.ts';
import type { Database, Queryable } from './database.ts';

export interface CopyUuids {
  readonly templateId: string;
  readonly poolId: string;
}

export interface NewJob {
  /** UUIDs. */
  readonly accountId: string;
  readonly userId: string;
  /** The API command, such as `prepareTemplate`. */
  readonly cmd: string;
  readonly instanceType: string;
  readonly instanceUuid: string;
  /** The copies that it waits for; it is done when all of them are settled. */
  readonly copies?: readonly CopyUuids[];
}

/** An error as a caller of the API sees it: CloudStack's code, and a sentence. */
export interface JobError {
  readonly code: number;
  readonly text: string;
}

/** @returns the job's UUID */
export async function createJob(db: Database, job: NewJob): Promise<string> {
  return db.transaction().execute(async (tx) => {
    const { id, uuid } = await tx
      .insertInto('async_job')
      .values({
        account_id: sql<number>`(select id from account where uuid = ${job.accountId})`,
        user_id: sql<number>`(select id from "user" where uuid = ${job.userId})`,
        job_cmd: job.cmd,
        instance_type: job.instanceType,
        instance_uuid: job.instanceUuid,
      })
      .returning(['id', 'uuid'])
      .executeTakeFirstOrThrow();
    const copies = job.copies ?? [];
    if (copies.length > 0) {
      await tx
        .insertInto('async_job_copy')
        .values(
          copies.map(({ templateId, poolId }) => ({
            job_id: id,
            template_uuid: templateId,
            pool_uuid: poolId,
          })),
        )
        .execute();
    }
    return uuid;
  });
}

/**
 * Tells every job that waits for a copy how it ended, and ends those that wait for nothing more.
 * @param error absent when the copy is there
 * @param until leaves jobs alone that are younger, by the database's clock
 */
export async function settleCopy(
  tx: Queryable,
  copy: CopyUuids,
  error?: JobError,
  until?: string,
): Promise<void> {
  const waiting = await tx
    .selectFrom('async_job')
    .innerJoin('async_job_copy', 'async_job_copy.job_id', 'async_job.id')
    .where('async_job_copy.template_uuid', '=', copy.templateId)
    .where('async_job_copy.pool_uuid', '=', copy.poolId)
    .where('async_job_copy.settled', 'is', null)
    .$if(until !== undefined, (query) =>
      query.where(sql<boolean>`async_job.created <= ${until}::timestamptz`),
    )
    .orderBy('async_job.id')
    .select('async_job.id')
    // Two copies of one job that settle at once must not both think that the other is still to come.
    .forUpdate('async_job')
    .execute();
  if (waiting.length === 0) return;
  const ids = waiting.map(({ id }) => id);
  await tx
    .updateTable('async_job_copy')
    .set({ settled: sql`now()`, error_code: error?.code ?? null, error_str: error?.text ?? null })
    .where('job_id', 'in', ids)
    .where('template_uuid', '=', copy.templateId)
    .where('pool_uuid', '=', copy.poolId)
    .where('settled', 'is', null)
    .execute();
  await completeSettled(tx, ids);
}

/** Whether a job waits for the copy. */
export async function isAwaited(db: Queryable, copy: CopyUuids): Promise<boolean> {
  const found = await db
    .selectFrom('async_job_copy')
    .where('template_uuid', '=', copy.templateId)
    .where('pool_uuid', '=', copy.poolId)
    .where('settled', 'is', null)
    .select('job_id')
    .limit(1)
    .executeTakeFirst();
  return found !== undefined;
}

/** Ends those of the jobs whose copies are all settled. */
async function completeSettled(tx: Queryable, ids: readonly number[]): Promise<void> {
  await sql`
    with settled as (
      select job_id,
        count(*) filter (where error_str is not null) as failed,
        (array_agg(error_code order by settled) filter (where error_str is not null))[1] as code,
        string_agg(distinct error_str, '; ') as text
      from async_job_copy where job_id = any(${ids}) group by job_id having count(*) = count(settled))
    update async_job set
      completed = now(),
      job_status = case when failed = 0 then ${jobStatus.done}::integer else ${jobStatus.failed}::integer end,
      job_result_code = case when failed = 0 then 0 else code end,
      job_result = case when failed = 0
        then jsonb_build_object('success', true, 'templatedeployment', ${deploymentsOf()})
        else jsonb_build_object('errorcode', code, 'errortext', text) end
    from settled where async_job.id = settled.job_id and job_status = ${jobStatus.pending}`.execute(tx);
}

/** What a job that deployed copies answers: where each of them lies now. */
const deploymentsOf = () => sql`(
  select coalesce(jsonb_agg(jsonb_build_object(
      'id', c.uuid, 'templateid', t.uuid, 'templatename', t.name, 'storageid', p.uuid, 'storagename', p.name,
      'state', c.state, 'downloadstate', c.download_state, 'installpath', c.install_path,
      'localpath', c.local_path, 'size', c.template_size, 'physicalsize', c.physical_size, 'sha256', c.sha256)
      order by p.name), '[]')
  from async_job_copy w
  join vm_template t on t.uuid = w.template_uuid
  join storage_pool p on p.uuid = w.pool_uuid
  join template_spool_ref c on c.template_id = t.id and c.pool_id = p.id
  where w.job_id = async_job.id)`;

/** Ends one job. Doing it again changes nothing. */
export async function completeJob(
  db: Queryable,
  jobId: string,
  outcome: { readonly result: unknown } | { readonly error: JobError },
): Promise<void> {
  await completing(db, outcome).where('uuid', '=', jobId).execute();
}

/** Ends every job of these commands that waits for this resource. */
export async function completeJobsOf(
  db: Queryable,
  resource: { readonly uuid: string; readonly cmds: readonly string[] },
  outcome: { readonly result: unknown } | { readonly error: JobError },
): Promise<void> {
  await completing(db, outcome)
    .where('instance_uuid', '=', resource.uuid)
    .where('job_cmd', 'in', resource.cmds)
    .execute();
}

function completing(db: Queryable, outcome: { readonly result: unknown } | { readonly error: JobError }) {
  const values =
    'error' in outcome
      ? {
          job_status: jobStatus.failed,
          job_result_code: outcome.error.code,
          job_result: JSON.stringify({ errorcode: outcome.error.code, errortext: outcome.error.text }),
        }
      : { job_status: jobStatus.done, job_result_code: 0, job_result: JSON.stringify(outcome.result) };
  return db
    .updateTable('async_job')
    .set({ ...values, completed: sql`now()` })
    .where('job_status', '=', jobStatus.pending);
}

/** Copies that a job has waited for, for at least so long. */
export const pendingCopies = (db: Queryable, olderThanSeconds: number): Promise<readonly CopyUuids[]> =>
  db
    .selectFrom('async_job_copy')
    .innerJoin('async_job', 'async_job.id', 'async_job_copy.job_id')
    .where('async_job_copy.settled', 'is', null)
    .where('async_job.created', '<', sql<Date>`now() - make_interval(secs => ${olderThanSeconds})`)
    .select(['async_job_copy.template_uuid as templateId', 'async_job_copy.pool_uuid as poolId'])
    .distinct()
    .execute();

export interface PendingDeletion {
  readonly jobId: string;
  readonly templateId: string;
  readonly userId: string;
  readonly accountId: string;
}

/** Commands whose jobs a deletion ends. */
export const DELETION_COMMANDS = ['deleteTemplate', 'deleteIso'] as const;

/** Deletions of templates that a job has waited for, for at least so long. */
export const pendingDeletions = (
  db: Queryable,
  olderThanSeconds: number,
): Promise<readonly PendingDeletion[]> =>
  db
    .selectFrom('async_job')
    .innerJoin('user', 'user.id', 'async_job.user_id')
    .innerJoin('account', 'account.id', 'async_job.account_id')
    .where('job_status', '=', jobStatus.pending)
    .where('job_cmd', 'in', DELETION_COMMANDS)
    .where('async_job.created', '<', sql<Date>`now() - make_interval(secs => ${olderThanSeconds})`)
    .select((eb) => [
      'async_job.uuid as jobId',
      eb.ref('async_job.instance_uuid').$castTo<string>().as('templateId'),
      'user.uuid as userId',
      'account.uuid as accountId',
    ])
    .execute();
