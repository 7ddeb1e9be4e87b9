/**
 * A machine's wait for a copy. The machine waits as every caller does: by a job `prepareTemplate` of its owner, which the
 * copy's workflow settles with the outcome, whatever ends it. The job is deleted once the machine no longer needs it: its result
 * names the pool, which users do not see.
 */
import type { JobErrorKind } from '../../model/job-errors.ts';
import { jobStatus } from '../../model/states.ts';
import type { Database, Queryable } from '../database.ts';
import { NotPossible } from '../errors.ts';
import { createDeploymentJob } from '../jobs/jobs.ts';
import type { CopyUuids, FailedResult, JobError } from '../jobs/jobs.ts';

export type CopyOutcome =
  | { readonly state: 'ready' | 'pending' | /** Nobody waits for it: request it. */ 'absent' }
  | { readonly state: 'failed'; readonly error: JobError };

/** @param jobId of the wait, when the copy was requested */
export async function copyOutcome(db: Queryable, copy: CopyUuids, jobId?: string): Promise<CopyOutcome> {
  const row = await copyRow(db, copy);
  if (row?.state === 'Ready' && row.download_state === 'DOWNLOADED') return { state: 'ready' };
  const job = jobId === undefined ? undefined : await waitingJob(db, jobId);
  if (job === undefined || job.job_status === jobStatus.done) return { state: 'absent' };
  if (job.job_status === jobStatus.pending) return { state: 'pending' };
  const { errorcode, errortext, errors = [] } = job.job_result as FailedResult;
  const [first] = errors;
  const kind = first?.kind ?? undefined;
  return {
    state: 'failed',
    error: {
      code: errorcode,
      text: errortext,
      // A row of another release may hold a kind that this release does not know.
      ...(kind === undefined ? {} : { kind: kind as JobErrorKind }),
      ...(first?.host ? { host: first.host } : {}),
    },
  };
}

const copyRow = (db: Queryable, { templateId, poolId }: CopyUuids) =>
  db
    .selectFrom('template_spool_ref')
    .innerJoin('vm_template', 'vm_template.id', 'template_spool_ref.template_id')
    .innerJoin('storage_pool', 'storage_pool.id', 'template_spool_ref.pool_id')
    .where('vm_template.uuid', '=', templateId)
    .where('storage_pool.uuid', '=', poolId)
    .select(['template_spool_ref.state', 'template_spool_ref.download_state'])
    .executeTakeFirst();

const waitingJob = (db: Queryable, jobId: string) =>
  db
    .selectFrom('async_job')
    .where('uuid', '=', jobId)
    .select(['job_status', 'job_result'])
    .executeTakeFirst();

/**
 * Makes the job by which a machine waits. Doing it again changes nothing.
 * @returns the number of machines that wait for the copy beside it
 */
export async function awaitCopy(
  db: Database,
  copy: CopyUuids,
  wait: { readonly vmId: string; readonly jobId: string },
): Promise<number> {
  const others = await waitingMachines(db, copy, wait.jobId);
  if ((await waitingJob(db, wait.jobId)) !== undefined) return others;
  const owner = await db
    .selectFrom('vm_instance')
    .innerJoin('account', 'account.id', 'vm_instance.account_id')
    .innerJoin('user', 'user.id', 'vm_instance.user_id')
    .where('vm_instance.uuid', '=', wait.vmId)
    .select(['account.uuid as accountId', 'user.uuid as userId'])
    .executeTakeFirstOrThrow(() => new NotPossible(`There is no virtual machine ${wait.vmId}`));
  await createDeploymentJob(db, {
    ...owner,
    jobId: wait.jobId,
    cmd: 'prepareTemplate',
    instanceType: 'Template',
    instanceUuid: copy.templateId,
    copies: [copy],
    params: { vmId: wait.vmId },
  });
  return others;
}

async function waitingMachines(db: Queryable, copy: CopyUuids, exceptJobId: string): Promise<number> {
  const { count } = await db
    .selectFrom('async_job_copy')
    .innerJoin('async_job', 'async_job.id', 'async_job_copy.job_id')
    .where('template_uuid', '=', copy.templateId)
    .where('pool_uuid', '=', copy.poolId)
    .where('settled', 'is', null)
    .where('job_params', 'is not', null)
    .where('async_job.uuid', '<>', exceptJobId)
    .select(({ fn }) => fn.countAll<string>().as('count'))
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** Deletes the job by which a machine waited. */
export const forgetWait = (db: Queryable, jobId: string): Promise<unknown> =>
  db.deleteFrom('async_job').where('uuid', '=', jobId).where('job_cmd', '=', 'prepareTemplate').execute();
