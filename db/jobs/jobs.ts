/** Asynchronous jobs: what `queryAsyncJobResult` answers, also after Temporal has deleted the workflow. */
import { sql } from 'kysely';
import type { NamedHost } from '../../model/failures.ts';
import type { JobErrorKind } from '../../model/job-errors.ts';
import type { CleanupJobParameters } from '../../model/pool-files.ts';
import { jobStatus } from '../../model/states.ts';
import type { VmJobParameters } from '../../model/vm-payloads.ts';
import type { Database, Queryable } from '../database.ts';
import { countOfCopies, isCancelled, isFailed, isReady, MAX_REASONS, reasonsOf } from './outcomes.ts';

export interface CopyUuids {
  readonly templateId: string;
  readonly poolId: string;
}

export interface NewJob {
  /** UUID; absent: the database makes one. */
  readonly jobId?: string;
  /** UUIDs. */
  readonly accountId: string;
  readonly userId: string;
  /** The API command, such as `prepareTemplate`. */
  readonly cmd: string;
  readonly instanceType: string;
  readonly instanceUuid: string;
  /** Of a job of a virtual machine or of a pool. */
  readonly params?: VmJobParameters | CleanupJobParameters;
}

/** Why a job failed. */
export interface JobError {
  /** CloudStack's. */
  readonly code: number;
  /** A sentence for every user: it names no host. */
  readonly text: string;
  readonly kind?: JobErrorKind;
  /** The host that the error is about. Only administrators see it. */
  readonly host?: NamedHost;
  /** Each reason, where there are several; the first one has the kind. */
  readonly errors?: readonly RecordedError[];
}

/** One reason in the result of a failed job. */
export interface RecordedError {
  readonly text: string;
  readonly kind: string | null;
  readonly host: NamedHost | null;
}

/** The result of a failed job, as it is stored. */
export interface FailedResult {
  readonly errorcode: number;
  readonly errortext: string;
  /** Each reason, the first one first. Absent in what earlier releases stored. */
  readonly errors?: readonly RecordedError[];
  /** Of a roll-out: how many copies are there, and why others are not. */
  readonly templaterollout?: object;
}

/** @returns the job's UUID */
export const createJob = async (db: Queryable, job: NewJob): Promise<string> =>
  (await insertJob(db, job)).uuid;

export interface NewDeploymentJob extends NewJob {
  /** It is done when all of them are settled. */
  readonly copies: readonly CopyUuids[];
}

export interface DeploymentJob {
  /** UUID. */
  readonly jobId: string;
  /** Those of its copies that another job waits for already. */
  readonly awaited: readonly CopyUuids[];
}

/** A job that waits for copies; it is done when all of them are settled. */
export function createDeploymentJob(
  db: Database,
  { copies, ...job }: NewDeploymentJob,
): Promise<DeploymentJob> {
  return db.transaction().execute(async (tx) => {
    const { id, uuid } = await insertJob(tx, job);
    const awaited: CopyUuids[] = [];
    // All in one order, so that no two transactions wait for each other.
    for (const copy of copies.toSorted((a, b) => a.poolId.localeCompare(b.poolId))) {
      await lockJobsOf(tx, copy);
      if (await isAwaited(tx, copy)) awaited.push(copy);
      await tx
        .insertInto('async_job_copy')
        .values({ job_id: id, template_uuid: copy.templateId, pool_uuid: copy.poolId })
        .execute();
    }
    return { jobId: uuid, awaited };
  });
}

export const insertJob = (
  tx: Queryable,
  job: NewJob,
): Promise<{ readonly id: number; readonly uuid: string }> =>
  tx
    .insertInto('async_job')
    .values({
      ...(job.jobId === undefined ? {} : { uuid: job.jobId }),
      account_id: sql<number>`(select id from account where uuid = ${job.accountId})`,
      user_id: sql<number>`(select id from "user" where uuid = ${job.userId})`,
      job_cmd: job.cmd,
      instance_type: job.instanceType,
      instance_uuid: job.instanceUuid,
      job_params: job.params === undefined ? null : JSON.stringify(job.params),
    })
    .returning(['id', 'uuid'])
    .executeTakeFirstOrThrow();

/** Serializes new jobs and settling of one copy: a job is settled with the others, or begins after them. */
export async function lockJobsOf(tx: Queryable, { templateId, poolId }: CopyUuids): Promise<void> {
  const key = `jobs of ${templateId} on ${poolId}`;
  await sql`select pg_advisory_xact_lock(hashtextextended(${key}, 0))`.execute(tx);
}

/**
 * Settles a copy for every job that waits for it. When the transaction has ended, `completeSettled` must end the jobs whose
 * copies are all settled. No job is locked here: all copies of a roll-out would wait for each other.
 * @param error absent when the copy is there
 * @param until leaves jobs alone that are younger, by the database's clock
 * @returns the jobs
 */
export async function settleCopy(
  tx: Queryable,
  copy: CopyUuids,
  error?: JobError,
  until?: string,
): Promise<readonly number[]> {
  await lockJobsOf(tx, copy);
  const settled = await tx
    // Locked in one order, so that copies that settle and roll-outs that are cancelled never wait for each other in a circle.
    .with('waiting', (cte) =>
      cte
        .selectFrom('async_job_copy')
        .innerJoin('async_job', 'async_job.id', 'async_job_copy.job_id')
        .where('template_uuid', '=', copy.templateId)
        .where('pool_uuid', '=', copy.poolId)
        .where('settled', 'is', null)
        .$if(until !== undefined, (query) =>
          query.where(sql<boolean>`async_job.created <= ${until}::timestamptz`),
        )
        .orderBy('job_id')
        .select('job_id')
        .forUpdate('async_job_copy'),
    )
    .updateTable('async_job_copy')
    .from('waiting')
    .set({
      settled: sql`now()`,
      error_code: error?.code ?? null,
      error_str: error?.text ?? null,
      error_kind: error?.kind ?? null,
      error_host: hostColumn(error?.host),
    })
    .whereRef('async_job_copy.job_id', '=', 'waiting.job_id')
    .where('template_uuid', '=', copy.templateId)
    .where('pool_uuid', '=', copy.poolId)
    .returning('async_job_copy.job_id')
    .execute();
  return settled.map(({ job_id }) => job_id);
}

/** Whether a job waits for the copy, other than a roll-out that has not begun it yet. */
export async function isAwaited(db: Queryable, copy: CopyUuids): Promise<boolean> {
  const found = await db
    .selectFrom('async_job_copy')
    .where('template_uuid', '=', copy.templateId)
    .where('pool_uuid', '=', copy.poolId)
    .where('settled', 'is', null)
    .where(hasTurn)
    .select('job_id')
    .limit(1)
    .executeTakeFirst();
  return found !== undefined;
}

/** Whether a row of `async_job_copy` is to be deployed now: roll-outs begin some of their copies later. */
const hasTurn = sql<boolean>`coalesce(async_job_copy.turn, '') <> 'queued'`;

/**
 * Ends those of the jobs whose copies are all settled. To be called when what settled them is committed: of two that settle
 * the last copies of a job at once, the later one sees both. Doing it again changes nothing.
 */
export async function completeSettled(db: Queryable, ids: readonly number[]): Promise<void> {
  if (ids.length === 0) return;
  await sql`
    with complete as (
      select id from async_job where id = any(${ids}) and job_status = ${jobStatus.pending}
        and (select w.job_id from async_job_copy w where w.job_id = async_job.id and w.settled is null limit 1) is null
      order by id for update),
    settled as (
      select job_id,
        count(*) filter (where error_str is not null) as failed,
        (array_agg(error_code order by settled) filter (where error_str is not null))[1] as code
      from async_job_copy where job_id = any(array(select id from complete)) group by job_id),
    reasons as (
      select job_id, string_agg(distinct text, '; ') as text,
        jsonb_agg(jsonb_build_object('text', text, 'kind', kind, 'host', host) order by first) as errors
      from (
        select job_id, error_str as text, error_kind as kind, error_host as host, min(settled) as first,
          row_number() over (partition by job_id order by min(settled)) as place
        from async_job_copy where job_id = any(array(select job_id from settled)) and error_str is not null
        group by job_id, error_str, error_kind, error_host) reason
      where place <= ${MAX_REASONS} group by job_id)
    update async_job set
      completed = now(),
      job_status = case when failed = 0 then ${jobStatus.done}::integer else ${jobStatus.failed}::integer end,
      job_result_code = case when failed = 0 then 0 else code end,
      job_result = case when failed = 0
        then jsonb_build_object('success', true, 'templatedeployment', ${deploymentsOf()}) || ${rolledOut}
        else jsonb_build_object('errorcode', code, 'errortext', text, 'errors', errors) || ${rolledOut} end
    from settled left join reasons using (job_id) where async_job.id = settled.job_id`.execute(db);
}

/** Jobs whose copies are all settled, and that are left: whoever settled the last copy was killed before it could end them. */
const leftOver = (db: Queryable) =>
  db
    .selectFrom('async_job')
    .where('job_status', '=', jobStatus.pending)
    .where(
      sql<boolean>`(select bool_and(w.settled is not null) from async_job_copy w where w.job_id = async_job.id)`,
    )
    .select('id');

const idsOf = (rows: readonly { readonly id: number }[]): readonly number[] => rows.map(({ id }) => id);

/** Ends those about a template. */
export const completeLeftOverOf = async (db: Queryable, templateId: string): Promise<void> =>
  completeSettled(db, idsOf(await leftOver(db).where('instance_uuid', '=', templateId).execute()));

/**
 * Ends any of them, up to the limit.
 * @returns how many there were
 */
export async function completeLeftOver(
  db: Queryable,
  olderThanSeconds: number,
  limit: number,
): Promise<number> {
  const jobs = await leftOver(db)
    .where('created', '<', sql<Date>`now() - make_interval(secs => ${olderThanSeconds})`)
    .orderBy('id')
    .limit(limit)
    .execute();
  await completeSettled(db, idsOf(jobs));
  return jobs.length;
}

/** What the result of a roll-out says besides, as a field. */
const rolledOut = sql`coalesce((
  select jsonb_build_object('templaterollout', jsonb_build_object(
      'id', async_job.uuid, 'total', ${countOfCopies(sql`true`)}, 'ready', ${countOfCopies(isReady)},
      'failed', ${countOfCopies(isFailed)}, 'cancelled', ${countOfCopies(isCancelled)},
      'errors', ${reasonsOf(sql`async_job.id`)}))
  from template_rollout where template_rollout.job_id = async_job.id), '{}')`;

/** Copies in the result of a job, which lists of jobs have too; listTemplateDeployments has all of a roll-out. */
const MAX_COPIES = 500;

/** The copies in the result of a deployment job, with where they are now. */
const deploymentsOf = () => sql`(
  select coalesce(jsonb_agg(found.copy order by found.name), '[]') from (
    select p.name, jsonb_build_object(
      'id', c.uuid, 'templateid', t.uuid, 'templatename', t.name, 'storageid', p.uuid, 'storagename', p.name,
      'state', c.state, 'downloadstate', c.download_state, 'installpath', c.install_path,
      'localpath', c.local_path, 'size', c.template_size, 'physicalsize', c.physical_size, 'sha256', c.sha256) as copy
    from async_job_copy w
    join vm_template t on t.uuid = w.template_uuid
    join storage_pool p on p.uuid = w.pool_uuid
    join template_spool_ref c on c.template_id = t.id and c.pool_id = p.id
    where w.job_id = async_job.id order by p.name limit ${MAX_COPIES}) found)`;

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
          job_result: JSON.stringify(failedResult(outcome.error)),
        }
      : { job_status: jobStatus.done, job_result_code: 0, job_result: JSON.stringify(outcome.result) };
  return db
    .updateTable('async_job')
    .set({ ...values, completed: sql`now()` })
    .where('job_status', '=', jobStatus.pending);
}

const failedResult = ({ code, text, kind, host, errors }: JobError): FailedResult => ({
  errorcode: code,
  errortext: text,
  errors: errors ?? [{ text, kind: kind ?? null, host: host ?? null }],
});

/** As a column holds the host of an error. */
export const hostColumn = (host: NamedHost | undefined): string | null =>
  host === undefined ? null : JSON.stringify(host);

/** A copy that jobs wait for. */
export interface PendingCopy extends CopyUuids {
  /** Only roll-outs do. */
  readonly isRolledOut: boolean;
}

/** Copies that a job has waited for, for at least so long; a roll-out does from their turn on. Any of them, up to the limit. */
export const pendingCopies = (
  db: Queryable,
  olderThanSeconds: number,
  limit: number,
): Promise<readonly PendingCopy[]> =>
  db
    .selectFrom('async_job_copy')
    .innerJoin('async_job', 'async_job.id', 'async_job_copy.job_id')
    .where('async_job_copy.settled', 'is', null)
    .where(hasTurn)
    .where(
      sql<boolean>`coalesce(async_job_copy.begun, async_job.created) < now() - make_interval(secs => ${olderThanSeconds})`,
    )
    .groupBy(['async_job_copy.template_uuid', 'async_job_copy.pool_uuid'])
    .select([
      'async_job_copy.template_uuid as templateId',
      'async_job_copy.pool_uuid as poolId',
      sql<boolean>`bool_and(async_job_copy.turn is not null)`.as('isRolledOut'),
    ])
    .orderBy(sql`random()`)
    .limit(limit)
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
  limit: number,
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
    .orderBy(sql`random()`)
    .limit(limit)
    .execute();

/** Deletes jobs that ended at least `minutes` ago. @returns how many, at most `limit` */
export async function deleteOldJobs(db: Queryable, minutes: number, limit: number): Promise<number> {
  const deleted = await sql`
    delete from async_job where id in (
      select id from async_job
      where completed < now() - make_interval(mins => ${minutes}) order by completed limit ${limit})`.execute(
    db,
  );
  return Number(deleted.numAffectedRows ?? 0);
}
