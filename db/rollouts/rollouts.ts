/**
 * Roll-outs: jobs whose copies are begun some at a time. The list of the copies is in `async_job_copy`, as that of every job
 * that waits for copies, so that the workflow of a copy settles it whoever had the copy made. `template_rollout` says what
 * was asked for, and whether it goes on.
 */
import { sql } from 'kysely';
import { apiCodes } from '../../model/api-codes.ts';
import type { RolloutState } from '../../model/rollout.ts';
import type { Database, Queryable } from '../database.ts';
import { completeSettled, insertJob } from '../jobs/jobs.ts';
import type { NewJob } from '../jobs/jobs.ts';
import type { NewRow, Row } from '../tables.ts';

/** Host and port of the URL of a row of `template`. */
export const originOfTemplate = sql<string>`lower(substring(template.url, '^[A-Za-z0-9+.-]+://([^/?#]*)'))`;

export interface NewRollout extends Omit<NewRow<'template_rollout'>, 'job_id' | 'origin'> {
  readonly job: NewJob;
  /** UUIDs of the pools. */
  readonly poolIds: readonly string[];
}

/**
 * Writes the job of a roll-out, with its copies. Those that are there already are settled, and the job has ended when all are.
 * @returns UUID of the job
 */
export function createRollout(db: Database, { job, poolIds, ...rollout }: NewRollout): Promise<string> {
  return db.transaction().execute(async (tx) => {
    const { id, uuid } = await insertJob(tx, job);
    await tx
      .insertInto('template_rollout')
      .values({
        ...rollout,
        job_id: id,
        origin: sql<string>`(select ${originOfTemplate} from vm_template template where id = ${rollout.template_id})`,
      })
      .execute();
    // No lock of each copy is needed, as other jobs take it: a copy that settles meanwhile is found ready at its turn.
    await sql`
      insert into async_job_copy (job_id, template_uuid, pool_uuid, turn)
      select ${id}, ${job.instanceUuid}, pool, 'queued' from unnest(${poolIds}::uuid[]) pool`.execute(tx);
    await sql`
      update async_job_copy w set settled = now()
      from template_spool_ref copy join storage_pool pool on pool.id = copy.pool_id
      where w.job_id = ${id} and pool.uuid = w.pool_uuid and copy.template_id = ${rollout.template_id}
        and copy.state = 'Ready' and copy.download_state = 'DOWNLOADED'`.execute(tx);
    await completeSettled(tx, [id]);
    return uuid;
  });
}

/** Pauses a roll-out, or lets it go on. @returns whether it was in the state `from`, and has not ended */
export async function changeRollout(
  db: Queryable,
  jobId: string,
  { from, to }: { readonly from: RolloutState; readonly to: RolloutState },
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('template_rollout')
    .set({ state: to })
    .where('job_id', 'in', (jobs) =>
      jobs.selectFrom('async_job').where('uuid', '=', jobId).where('job_status', '=', 0).select('id'),
    )
    .where('state', '=', from)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/**
 * Ends the job of a roll-out: what is not there yet counts as cancelled, and copies that it began are marked to be stopped.
 * Doing it again changes nothing.
 * @returns false when it had ended
 */
export async function cancelRollout(db: Database, jobId: string, by: string): Promise<boolean> {
  const job = await db.transaction().execute(async (tx) => {
    const pending = await lockPending(tx, jobId);
    if (pending === undefined) return undefined;
    await tx
      .updateTable('template_rollout')
      .set({ state: 'Cancelled', cancelled_by: by })
      .where('job_id', '=', pending.id)
      .execute();
    await tx
      .updateTable('async_job_copy')
      .set({
        turn: sql`case turn when 'queued' then 'queued' else 'stopping' end`,
        settled: sql`now()`,
        error_code: apiCodes.internal,
        error_str: `The roll-out was cancelled by ${by}`,
        error_kind: 'Cancelled',
      })
      .where('job_id', '=', pending.id)
      .where('settled', 'is', null)
      .execute();
    return pending;
  });
  if (job === undefined) return false;
  await completeSettled(db, [job.id]);
  return true;
}

/**
 * Settles what a roll-out has not begun with an error, such as the deletion of its template.
 * @param jobId key of its job's row, which is locked; `completeSettled` must end it when the transaction has ended
 */
export const failQueued = (tx: Queryable, jobId: number, text: string): Promise<unknown> =>
  tx
    .updateTable('async_job_copy')
    .set({ settled: sql`now()`, error_code: apiCodes.internal, error_str: text, error_kind: 'NotPossible' })
    .where('job_id', '=', jobId)
    .where('turn', '=', 'queued')
    .where('settled', 'is', null)
    .execute();

/** Locks the job, as everything that changes several of its copies does. */
const lockPending = (tx: Queryable, jobId: string): Promise<Pick<Row<'async_job'>, 'id'> | undefined> =>
  tx
    .selectFrom('async_job')
    .where('uuid', '=', jobId)
    .where('job_status', '=', 0)
    .select('id')
    .forUpdate()
    .executeTakeFirst();

export interface PendingRollout {
  readonly jobId: string;
  readonly templateId: string;
  readonly templateName: string;
}

/**
 * Roll-outs whose workflow should be at work: they have not ended, or have copies to stop. Those come first whose last turn was
 * the longest ago, which is noted: so those that are at work keep none of the others from its turn.
 * @param limit roll-outs at most
 */
export const takePendingRollouts = (
  db: Queryable,
  olderThanSeconds: number,
  limit: number,
): Promise<readonly PendingRollout[]> =>
  db
    .updateTable('template_rollout')
    .from(['async_job', 'vm_template'])
    .whereRef('async_job.id', '=', 'template_rollout.job_id')
    .whereRef('vm_template.id', '=', 'template_rollout.template_id')
    .where('template_rollout.job_id', 'in', pendingOf(db, olderThanSeconds, limit))
    .set({ swept: sql<Date>`now()` })
    .returning([
      'async_job.uuid as jobId',
      'vm_template.uuid as templateId',
      'vm_template.name as templateName',
    ])
    .execute();

const pendingOf = (db: Queryable, olderThanSeconds: number, limit: number) =>
  db
    .selectFrom('template_rollout')
    .innerJoin('async_job', 'async_job.id', 'template_rollout.job_id')
    .where('async_job.created', '<', sql<Date>`now() - make_interval(secs => ${olderThanSeconds})`)
    .where((eb) =>
      eb.or([
        eb('async_job.job_status', '=', 0),
        eb.exists(
          eb
            .selectFrom('async_job_copy')
            .whereRef('async_job_copy.job_id', '=', 'async_job.id')
            .where('turn', '=', sql.lit('stopping'))
            .select('turn'),
        ),
      ]),
    )
    .orderBy('template_rollout.swept', (order) => order.asc().nullsFirst())
    .orderBy('template_rollout.job_id')
    .limit(limit)
    .select('template_rollout.job_id');
