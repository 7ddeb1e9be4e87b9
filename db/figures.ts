/**
 * Figures of the whole installation, for monitoring: counts and sums by zone, each by one query whose answer does not grow with
 * the number of hosts, pools or copies.
 */
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { PoolScope, ResourceState } from '../model/states.ts';
import type { Queryable } from './database.ts';
import { isUp } from './hosts/hosts.ts';
import { isAlmostFull, reserved } from './pools/listing.ts';
import type { PoolState } from './pools/listing.ts';

interface OfZone {
  /** Name. */
  readonly zone: string;
}

export interface HostFigures extends OfZone {
  readonly up: boolean;
  readonly resourceState: ResourceState;
  readonly count: number;
}

export interface DoorFigures extends OfZone {
  /** Days until the first certificate of a door ends, of hosts that are Up. */
  readonly days: number;
}

/** What a copy that is being made does now, as far as the database knows. */
export type DownloadPhase = 'fetching_origin' | 'fetching_peer' | 'waiting_source' | 'waiting';

export interface CopyFigures extends OfZone {
  readonly state: 'Creating' | 'Destroying' | 'Failed';
  /** Of copies that are being made. */
  readonly phase: DownloadPhase;
  /** Kind of the failure; of failed copies. */
  readonly cause: string;
  readonly count: number;
}

export interface PendingFigures extends OfZone {
  readonly phase: DownloadPhase;
  readonly count: number;
  /** Seconds. */
  readonly oldest: number;
}

export interface PoolFigures extends OfZone {
  readonly scope: PoolScope;
  readonly state: PoolState;
  readonly count: number;
  readonly almostFull: number;
  /** Bytes, as both that follow. */
  readonly capacity: number;
  readonly free: number;
  readonly reserved: number;
}

export interface Figures {
  readonly hosts: readonly HostFigures[];
  readonly doors: readonly DoorFigures[];
  /** Of copies that are neither ready nor only planned. */
  readonly copies: readonly CopyFigures[];
  /** Of copies that jobs wait for. */
  readonly pending: readonly PendingFigures[];
  readonly pools: readonly PoolFigures[];
}

export async function readFigures(db: Queryable): Promise<Figures> {
  const read = async <T>(query: RawBuilder<T>): Promise<readonly T[]> => (await query.execute(db)).rows;
  return {
    hosts: await read(HOSTS),
    doors: await read(DOORS),
    copies: await read(COPIES),
    pending: await read(PENDING),
    pools: await read(POOLS),
  };
}

const HOSTS = sql<HostFigures>`
  select zone.name as zone, ${isUp} as up, host.resource_state as "resourceState", count(*) as count
  from host join data_center zone on zone.id = host.data_center_id
  group by 1, 2, 3 order by 1, 2, 3`;

const DOORS = sql<DoorFigures>`
  select zone.name as zone,
    (extract(epoch from min((host.peer ->> 'certificateEnds')::timestamptz) - now()) / 86400)::float8 as days
  from host join data_center zone on zone.id = host.data_center_id
  where host.peer ->> 'certificateEnds' is not null and host.resource_state <> 'Disabled' and ${isUp}
  group by 1 order by 1`;

const phase = sql`case
  when copy.fetching = 'origin' then 'fetching_origin'
  when copy.fetching = 'peer' then 'fetching_peer'
  when copy.source_asked is not null then 'waiting_source'
  else 'waiting' end`;

/** The condition is that of the index template_spool_ref_activity: ready copies, which are most of them, are not read. */
const COPIES = sql<CopyFigures>`
  select zone.name as zone, copy.state, ${phase} as phase, coalesce(copy.error_kind, 'unknown') as cause,
    count(*) as count
  from template_spool_ref copy
  join storage_pool pool on pool.id = copy.pool_id join data_center zone on zone.id = pool.data_center_id
  where array_position(array['Creating', 'Destroying', 'Failed'], copy.state) is not null
  group by 1, 2, 3, 4 order by 1, 2, 3, 4`;

/** A copy that several jobs wait for counts once, with the oldest of them. */
const PENDING = sql<PendingFigures>`
  select zone.name as zone, ${phase} as phase, count(*) as count,
    extract(epoch from now() - min(wanted.since))::float8 as oldest
  from (
    select w.template_uuid, w.pool_uuid, min(job.created) as since
    from async_job_copy w join async_job job on job.id = w.job_id
    where w.settled is null group by 1, 2) wanted
  join storage_pool pool on pool.uuid = wanted.pool_uuid join data_center zone on zone.id = pool.data_center_id
  left join vm_template template on template.uuid = wanted.template_uuid
  left join template_spool_ref copy on copy.template_id = template.id and copy.pool_id = pool.id
  group by 1, 2 order by 1, 2`;

const POOLS = sql<PoolFigures>`
  select zone.name as zone, pool.scope, pool.state, count(*) as count,
    count(*) filter (where ${isAlmostFull}) as "almostFull",
    sum(pool.capacity_bytes)::bigint as capacity, sum(pool.free_bytes)::bigint as free,
    sum(${reserved})::bigint as reserved
  from storage_pool pool join data_center zone on zone.id = pool.data_center_id
  group by 1, 2, 3 order by 1, 2, 3`;
