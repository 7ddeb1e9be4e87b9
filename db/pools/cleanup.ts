/** What the cleanup of a zone works on: jobs about its pools first, then the pools whose last look was the longest ago. */
import { sql } from 'kysely';
import { apiCodes } from '../../model/api-codes.ts';
import { cleanupRulesOf } from '../../model/configurations.ts';
import type { NamedHost } from '../../model/failures.ts';
import { cleanupJobParameters } from '../../model/messages/pool-files.ts';
import { read } from '../../model/messages/schema.ts';
import { CLEANUP_COMMANDS } from '../../model/pool-files.ts';
import type { CleanupCommand, CleanupJobParameters } from '../../model/pool-files.ts';
import { jobStatus } from '../../model/states.ts';
import type { Queryable } from '../database.ts';
import { canWorkOnFiles, isUp } from '../hosts/hosts.ts';
import { completeJob } from '../jobs/jobs.ts';
import type { JobError } from '../jobs/jobs.ts';
import { configurationValues } from '../zones/configurations.ts';
import { findZone } from '../zones/zones.ts';
import type { Place } from '../zones/zones.ts';

export interface CleanupJob extends CleanupJobParameters {
  readonly jobId: string;
  readonly command: CleanupCommand;
}

export interface CleanupWork {
  readonly poolId: string;
  readonly poolName: string;
  /** Absent: a look that is due. */
  readonly job?: CleanupJob;
  /** Hosts that can look at the pool, at random. */
  readonly hosts: readonly NamedHost[];
  /**
   * Why one of the pool's hosts cannot say what its virtual machines use; absent when each can. Then nothing may go that a
   * machine could use.
   */
  readonly silent?: string;
}

const jobs = (db: Queryable) =>
  db
    .selectFrom('async_job as job')
    .innerJoin('storage_pool as pool', 'pool.uuid', 'job.instance_uuid')
    .where('job.instance_type', '=', 'StoragePool')
    .where('job.job_status', '=', jobStatus.pending)
    .where('job.job_cmd', 'in', CLEANUP_COMMANDS);

/**
 * Ends jobs about pools that were removed: no zone's cleanup finds them any more.
 * @returns how many, at most `limit`
 */
export async function failJobsOfRemovedPools(db: Queryable, limit: number): Promise<number> {
  const lost = await db
    .selectFrom('async_job as job')
    .where('job.instance_type', '=', 'StoragePool')
    .where('job.job_status', '=', jobStatus.pending)
    .where('job.job_cmd', 'in', CLEANUP_COMMANDS)
    .where(sql<boolean>`not exists (select from storage_pool where uuid = job.instance_uuid)`)
    .select('job.uuid')
    .limit(limit)
    .execute();
  for (const { uuid } of lost) await completeJob(db, uuid, { error: REMOVED });
  return lost.length;
}

const REMOVED: JobError = {
  code: apiCodes.internal,
  text: 'The storage pool was removed',
  kind: 'NotPossible',
};

const looks = (db: Queryable, seconds: number) =>
  db
    .selectFrom('storage_pool as pool')
    .where(sql<boolean>`coalesce(pool.look_begun, pool.created) < now() - make_interval(secs => ${seconds})`)
    .where(
      sql<boolean>`exists (select from storage_pool_host_ref r join host on host.id = r.host_id
        where r.pool_id = pool.id and ${canLook})`,
    );

/** Whether a row of `host`, with its row `r` of the pool, can look at the pool now. */
const canLook = canWorkOnFiles('poolFiles');

/** Those of these zones with something to do. */
export async function zonesToClean(db: Queryable, zones: readonly Place[]): Promise<readonly string[]> {
  const found: string[] = [];
  for (const { id, uuid } of zones) {
    const { enabled, interval } = cleanupRulesOf(await configurationValues(db, id));
    const job = await jobs(db)
      .where('pool.data_center_id', '=', id)
      .select('job.id')
      .limit(1)
      .executeTakeFirst();
    const due = enabled
      ? await looks(db, interval)
          .where('pool.data_center_id', '=', id)
          .select('pool.id')
          .limit(1)
          .executeTakeFirst()
      : undefined;
    if (job !== undefined || due !== undefined) found.push(uuid);
  }
  return found;
}

/**
 * The next thing to do in a zone; undefined when there is none. A look counts as begun from then on, so that one that fails
 * keeps no other pool waiting.
 */
export async function nextCleanup(db: Queryable, zoneId: string): Promise<CleanupWork | undefined> {
  const zone = await findZone(db, zoneId);
  if (zone === undefined) return undefined;
  const job = await jobs(db)
    .where('pool.data_center_id', '=', zone.id)
    .select((eb) => [
      'pool.id',
      'job.uuid as jobId',
      eb.ref('job.job_cmd').$castTo<CleanupCommand>().as('command'),
      'job.job_params',
    ])
    .orderBy('job.id')
    .limit(1)
    .executeTakeFirst();
  if (job !== undefined) {
    const { id, jobId, command, job_params: parameters } = job;
    const given = read(cleanupJobParameters, parameters ?? {}).value;
    return workOn(db, id, { jobId, command, ...given });
  }
  const { enabled, interval } = cleanupRulesOf(await configurationValues(db, zone.id));
  if (!enabled) return undefined;
  const due = await looks(db, interval)
    .where('pool.data_center_id', '=', zone.id)
    .select('pool.id')
    .orderBy('pool.look_begun', (order) => order.asc().nullsFirst())
    .limit(1)
    .executeTakeFirst();
  if (due === undefined) return undefined;
  await db
    .updateTable('storage_pool')
    .set({ look_begun: sql`now()` })
    .where('id', '=', due.id)
    .execute();
  return workOn(db, due.id);
}

async function workOn(db: Queryable, id: number, job?: CleanupJob): Promise<CleanupWork> {
  const pool = await db
    .selectFrom('storage_pool')
    .where('id', '=', id)
    .select(['uuid', 'name'])
    .executeTakeFirstOrThrow();
  const hosts = await db
    .selectFrom('storage_pool_host_ref as r')
    .innerJoin('host', 'host.id', 'r.host_id')
    .where('r.pool_id', '=', id)
    .select(['host.uuid', 'host.name', 'r.mounted', isUp.as('up'), canLook.as('able')])
    .orderBy(sql`random()`)
    .execute();
  const silent = hosts.find(({ able, up, mounted }) => !able && (mounted || !up));
  return {
    poolId: pool.uuid,
    poolName: pool.name,
    ...(job === undefined ? {} : { job }),
    hosts: hosts.filter(({ able }) => able).map(({ uuid, name }) => ({ id: uuid, name })),
    ...(silent === undefined ? {} : { silent: `host ${silent.name} ${whySilent(silent)}` }),
  };
}

const whySilent = ({ up }: { readonly up: boolean }): string =>
  up
    ? 'is not enabled, or of an earlier release'
    : 'is Down, and may have a virtual machine that uses it: bring the host back, or remove it';
