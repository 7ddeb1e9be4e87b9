/**
 * Whose turn it is: chooses the copies that a roll-out begins next. Choices of all roll-outs take turns, so that no two of them
 * count on the same free place. A copy takes a place
 *
 *   of its zone     while it is begun and not settled, and while anybody else fetches it: what machines need goes first
 *   of its origin   as long as it does not come from another host
 *   of its roll-out while that one began it, where the call gave a number
 *
 * A copy that has fetched nothing for long, since its host is away or its pool is full, gives its place up, or it would keep
 * all others waiting. For the same reason a pool without a host that is Up is passed over until it has one.
 */
import { type RawBuilder, sql } from 'kysely';
import { rolloutLimitsOf } from '../../model/configurations.ts';
import type { RolloutState } from '../../model/rollout.ts';
import type { Database, Queryable } from '../database.ts';
import { isEnabled, isUp } from '../hosts/hosts.ts';
import { jobStatus } from '../../model/states.ts';
import { completeSettled } from '../jobs/jobs.ts';
import type { CopyUuids } from '../jobs/jobs.ts';
import { configurationValues } from '../zones/configurations.ts';
import { failQueued, originOfTemplate } from './rollouts.ts';

interface Rollout {
  readonly job_id: number;
  readonly zone_id: number;
  readonly origin: string;
  readonly at_once: number | null;
  readonly state: RolloutState;
  readonly template_name: string;
  readonly template_state: string;
  readonly job_status: number;
}

/** With its job locked, as everything that changes several copies of a job does: so no two of them wait for each other. */
const rolloutOf = (db: Queryable, jobId: string): Promise<Rollout | undefined> =>
  db
    .selectFrom('template_rollout')
    .innerJoin('async_job', 'async_job.id', 'template_rollout.job_id')
    .innerJoin('vm_template', 'vm_template.id', 'template_rollout.template_id')
    .where('async_job.uuid', '=', jobId)
    .select([
      'template_rollout.job_id',
      'template_rollout.zone_id',
      'template_rollout.origin',
      'template_rollout.at_once',
      'template_rollout.state',
      'vm_template.name as template_name',
      'vm_template.state as template_state',
      'async_job.job_status',
    ])
    .forUpdate('async_job')
    .executeTakeFirst();

export interface TurnOptions {
  readonly stalledMs: number;
  /** Copies of one choice at most. */
  readonly most: number;
}

/** A copy to begin or to stop, with the names of both. */
export interface CopyOfRollout extends CopyUuids {
  readonly template: string;
  readonly pool: string;
}

/**
 * Chooses copies, and marks them as due: the caller requests their workflows, and notes that (`markBegun`). Nothing of a roll-out
 * that is paused, cancelled or ended is chosen; the job of one that was cancelled, or whose template was deleted, ends when
 * nothing of it is under way.
 * @returns undefined when it goes on no more: it has ended, was cancelled or lost its template
 */
export async function takeTurns(
  db: Database,
  jobId: string,
  { stalledMs, most }: TurnOptions,
): Promise<readonly CopyOfRollout[] | undefined> {
  const { due, stopped = [] } = await db.transaction().execute(async (tx): Promise<Turns> => {
    await sql`select pg_advisory_xact_lock(hashtextextended('roll-outs', 0))`.execute(tx);
    const rollout = await rolloutOf(tx, jobId);
    if (rollout?.job_status !== jobStatus.pending) return {};
    if (rollout.state === 'Paused') return { due: [] };
    if (rollout.state === 'Cancelled') return { stopped: [rollout.job_id] };
    if (rollout.template_state !== 'Active') {
      await failQueued(tx, rollout.job_id, `Template ${rollout.template_name} was deleted`);
      return { stopped: [rollout.job_id] };
    }
    const room = Math.min(most, await roomFor(tx, rollout, stalledMs));
    return { due: room > 0 ? await markDue(tx, rollout, room) : [] };
  });
  await completeSettled(db, stopped);
  return due;
}

interface Turns {
  readonly due?: readonly CopyOfRollout[];
  /** Keys of jobs of which nothing is begun any more. */
  readonly stopped?: readonly number[];
}

async function roomFor(tx: Queryable, rollout: Rollout, stalledMs: number): Promise<number> {
  const { perZone, perOrigin } = rolloutLimitsOf(await configurationValues(tx, rollout.zone_id));
  const { rows } = await sql<{ own: number; zone: number; origin: number }>`
    select count(*) filter (where own)::integer as own,
      count(*) filter (where zone_id = ${rollout.zone_id})::integer as zone,
      count(*) filter (where origin = ${rollout.origin} and from_origin)::integer as origin
    from (${begun(rollout, stalledMs)} union all ${fetchedByOthers}) taken`.execute(tx);
  const [taken = { own: 0, zone: 0, origin: 0 }] = rows;
  return Math.min((rollout.at_once ?? Infinity) - taken.own, perZone - taken.zone, perOrigin - taken.origin);
}

/** What roll-outs have begun: each copy once, however many want it. */
const begun = ({ job_id }: Rollout, stalledMs: number) => sql`
  select pool.data_center_id as zone_id, min(r.origin) as origin, bool_or(w.job_id = ${job_id}) as own,
    bool_and(coalesce(copy.fetching, '') <> 'peer' and copy.source_asked is null) as from_origin
  from async_job_copy w
  join template_rollout r on r.job_id = w.job_id
  join storage_pool pool on pool.uuid = w.pool_uuid
  left join template_spool_ref copy on copy.template_id = r.template_id and copy.pool_id = pool.id
  where w.turn in ('due', 'begun') and w.settled is null
    and not (w.begun < now() - make_interval(secs => ${stalledMs / 1000})
      and copy.fetching is null and copy.source_asked is null)
  group by w.template_uuid, w.pool_uuid, pool.data_center_id`;

const fetchedByOthers = sql`
  select pool.data_center_id, ${originOfTemplate}, false, copy.fetching = 'origin'
  from template_spool_ref copy
  join vm_template template on template.id = copy.template_id
  join storage_pool pool on pool.id = copy.pool_id
  where copy.state = 'Creating' and copy.fetching is not null and not exists (
    select from async_job_copy w where w.template_uuid = template.uuid and w.pool_uuid = pool.uuid
      and w.settled is null and w.turn in ('due', 'begun'))`;

/** A pool that is gone, or not Up, fails at its turn, with that reason. */
const isAbleTo = sql`(pool.id is null or pool.state <> 'Up' or exists (
  select from storage_pool_host_ref r join host on host.id = r.host_id
  where r.pool_id = pool.id and r.mounted and ${isEnabled} and ${isUp}))`;

async function markDue(tx: Queryable, { job_id }: Rollout, most: number): Promise<readonly CopyOfRollout[]> {
  const { rows } = await sql<CopyOfRollout>`
    with due as (
      update async_job_copy set turn = 'due', begun = now()
      where job_id = ${job_id} and pool_uuid in (
        select w.pool_uuid from async_job_copy w left join storage_pool pool on pool.uuid = w.pool_uuid
        where w.job_id = ${job_id} and w.turn = 'queued' and w.settled is null and ${isAbleTo}
        order by pool.name, w.pool_uuid limit ${most})
      returning template_uuid, pool_uuid)
    ${copiesOf(sql`due w`)}`.execute(tx);
  return rows;
}

/** @param copies `w`, with `template_uuid` and `pool_uuid` */
const copiesOf = (copies: RawBuilder<unknown>) => sql`
  select w.template_uuid as "templateId", w.pool_uuid as "poolId", template.name as template,
    coalesce(pool.name, w.pool_uuid::text) as pool
  from ${copies} join vm_template template on template.uuid = w.template_uuid
  left join storage_pool pool on pool.uuid = w.pool_uuid`;

/** Milliseconds in which whoever made a copy due requests its workflow. */
const REQUEST_MS = 30_000;

/** Its copies that were made due before, and whose workflows were not requested in time: whoever was to do it may be lost. */
export async function leftDue(
  db: Queryable,
  jobId: string,
  requestMs = REQUEST_MS,
): Promise<readonly CopyOfRollout[]> {
  const { rows } = await sql<CopyOfRollout>`
    ${copiesOf(sql`async_job_copy w join async_job job on job.id = w.job_id`)}
    where job.uuid = ${jobId} and w.turn = 'due' and w.settled is null
      and w.begun < now() - make_interval(secs => ${requestMs / 1000})`.execute(db);
  return rows;
}

export interface CopyToStop extends CopyUuids {
  readonly by: string;
  /** When the roll-out was asked for. Its own wait is settled; jobs that came later go on. */
  readonly at: string;
}

/**
 * Copies of a cancelled roll-out that are to be stopped. Those that another job waits for, also a roll-out that will begin them,
 * go on.
 * @param poolIds of these pools. Default: those that were under way when it was cancelled, and are not noted as stopped yet
 */
export async function copiesToStop(
  db: Queryable,
  jobId: string,
  poolIds?: readonly string[],
): Promise<readonly CopyToStop[]> {
  const which = poolIds === undefined ? sql`w.turn = 'stopping'` : sql`w.pool_uuid = any(${poolIds}::uuid[])`;
  const { rows } = await sql<CopyToStop>`
    select w.template_uuid as "templateId", w.pool_uuid as "poolId", r.cancelled_by as by, job.created::text as at
    from async_job_copy w join async_job job on job.id = w.job_id
    join template_rollout r on r.job_id = job.id
    where job.uuid = ${jobId} and r.cancelled_by is not null and ${which} and not exists (
      select from async_job_copy other where other.template_uuid = w.template_uuid
        and other.pool_uuid = w.pool_uuid and other.settled is null)`.execute(db);
  return rows;
}

/**
 * Notes that the workflows of these copies were requested.
 * @returns the pools of those that were still due: not those of a roll-out that was cancelled meanwhile
 */
export const markBegun = (
  db: Database,
  jobId: string,
  poolIds: readonly string[],
): Promise<readonly string[]> =>
  changeCopies(db, jobId, sql`turn = 'due' and pool_uuid = any(${poolIds}::uuid[])`);

/** Notes that all copies of a cancelled roll-out that were to be stopped are. */
export const markStopped = (db: Database, jobId: string): Promise<unknown> =>
  changeCopies(db, jobId, sql`turn = 'stopping'`);

/** @returns the pools of the copies that were changed */
const changeCopies = (db: Database, jobId: string, which: RawBuilder<unknown>): Promise<readonly string[]> =>
  db.transaction().execute(async (tx) => {
    const rollout = await rolloutOf(tx, jobId);
    if (rollout === undefined) return [];
    const { rows } = await sql<{ readonly poolId: string }>`
      update async_job_copy set turn = 'begun' where job_id = ${rollout.job_id} and ${which}
      returning pool_uuid as "poolId"`.execute(tx);
    return rows.map(({ poolId }) => poolId);
  });
