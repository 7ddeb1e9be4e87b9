/** Storage pools as lists show them, and those that a template can be deployed to. */
import { type RawBuilder, sql } from 'kysely';
import type { PoolScope } from '../../model/states.ts';
import type { Queryable } from '../database.ts';
import { isEnabled, isUp } from '../hosts/hosts.ts';
import type { Row } from '../tables.ts';
import { containing, type Listing, type Page } from '../page.ts';

export type PoolState = Row<'storage_pool'>['state'];

export interface PoolQuery {
  readonly id?: string | undefined;
  readonly name?: string | undefined;
  readonly zoneId?: string | undefined;
  /** It is in all of them. */
  readonly clusterIds?: readonly string[] | undefined;
  readonly scope?: PoolScope | undefined;
  readonly hostId?: string | undefined;
  /** Its folder on one of its hosts. */
  readonly path?: string | undefined;
  /** That of its host; of pools of one host. */
  readonly address?: string | undefined;
  readonly state?: PoolState | undefined;
  /** Those of which less than a tenth is left, with what is reserved taken for used. */
  readonly almostFull?: boolean | undefined;
  readonly keyword?: string | undefined;
}

export type PoolListRow = Row<'storage_pool'> & {
  readonly zone_uuid: string;
  readonly zone_name: string;
  readonly cluster_uuid: string | null;
  readonly cluster_name: string | null;
  /** Bytes planned for downloads that are under way. */
  readonly reserved: number;
  /** Files of it that Bypass does not know, and their bytes, as of the last look. */
  readonly unknown_files: number;
  readonly unknown_bytes: number;
};

export async function listPools(
  db: Queryable,
  query: PoolQuery,
  { limit, offset }: Page,
): Promise<Listing<PoolListRow>> {
  const { count } = await matching(db, query)
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  const rows = await matching(db, query)
    .selectAll('pool')
    .select([
      'zone.uuid as zone_uuid',
      'zone.name as zone_name',
      'cluster.uuid as cluster_uuid',
      'cluster.name as cluster_name',
      reserved.as('reserved'),
      unknownFiles(sql`count(*)::integer`).as('unknown_files'),
      unknownFiles(sql`coalesce(sum(f.size), 0)::bigint`).as('unknown_bytes'),
    ])
    .orderBy('pool.name')
    .orderBy('pool.id')
    .limit(limit)
    .offset(offset)
    .execute();
  return { count, rows };
}

const unknownFiles = (figure: RawBuilder<unknown>) => sql<number>`(
  select ${figure} from storage_pool_file f where f.pool_id = pool.id and f.finding = 'unknown')`;

/** Bytes that are promised to downloads under way to a row of `pool`. */
export const reserved = sql<number>`(
  select coalesce(sum(r.bytes), 0)::bigint from pool_reservation r where r.pool_id = pool.id)`;

/** Whether less than a tenth of a row of `pool` is left, with what is reserved taken for used: the one definition. */
export const isAlmostFull = sql<boolean>`(pool.capacity_bytes > 0
  and pool.free_bytes - ${reserved} < 0.1 * pool.capacity_bytes)`;

function matching(db: Queryable, query: PoolQuery) {
  const { id, name, zoneId, clusterIds, hostId, scope, path, address, state, almostFull, keyword } = query;
  let pools = db
    .selectFrom('storage_pool as pool')
    .innerJoin('data_center as zone', 'zone.id', 'pool.data_center_id')
    .leftJoin('cluster', 'cluster.id', 'pool.cluster_id');
  if (id !== undefined) pools = pools.where('pool.uuid', '=', id);
  if (name !== undefined) pools = pools.where('pool.name', '=', name);
  if (zoneId !== undefined) pools = pools.where('zone.uuid', '=', zoneId);
  for (const clusterId of clusterIds ?? []) pools = pools.where('cluster.uuid', '=', clusterId);
  if (scope !== undefined) pools = pools.where('pool.scope', '=', scope);
  if (hostId !== undefined) pools = pools.where(onHost(sql`host.uuid = ${hostId}`));
  if (path !== undefined) pools = pools.where(onHost(sql`r.local_path = ${path}`));
  if (address !== undefined) {
    pools = pools.where('pool.scope', '=', 'HOST').where(onHost(sql`host.private_ip_address = ${address}`));
  }
  if (state !== undefined) pools = pools.where('pool.state', '=', state);
  if (keyword !== undefined) pools = pools.where('pool.name', 'ilike', containing(keyword));
  if (almostFull === true) pools = pools.where(isAlmostFull);
  return pools;
}

/** Whether one of its hosts is so. */
const onHost = (condition: RawBuilder<unknown>) => sql<boolean>`exists (
  select 1 from storage_pool_host_ref r join host on host.id = r.host_id where r.pool_id = pool.id and ${condition})`;

export interface PoolHost {
  readonly poolId: number;
  readonly hostId: string;
  readonly hostName: string;
  readonly address: string;
  readonly up: boolean;
  readonly mounted: boolean;
  readonly path: string;
  readonly problem: string | null;
}

/** The hosts that are to have these pools before them. */
export const hostsOfPools = async (
  db: Queryable,
  poolIds: readonly number[],
): Promise<readonly PoolHost[]> =>
  poolIds.length === 0
    ? []
    : db
        .selectFrom('storage_pool_host_ref as r')
        .innerJoin('host', 'host.id', 'r.host_id')
        .where('r.pool_id', 'in', poolIds)
        .select([
          'r.pool_id as poolId',
          'host.uuid as hostId',
          'host.name as hostName',
          'host.private_ip_address as address',
          isUp.as('up'),
          'r.mounted',
          'r.local_path as path',
          'r.problem',
        ])
        .orderBy('host.name')
        .orderBy('host.id')
        .execute();

export interface DeployablePool {
  readonly uuid: string;
  readonly name: string;
  readonly state: PoolState;
  readonly zoneId: string;
  readonly clusterId: string | null;
  readonly tags: readonly string[];
  /** False for a pool of a single host in a zone without local storage. */
  readonly inUse: boolean;
  /** Whether a host that is Up and Enabled mounts it. */
  readonly served: boolean;
}

const deployable = (db: Queryable) =>
  db
    .selectFrom('storage_pool as pool')
    .innerJoin('data_center as zone', 'zone.id', 'pool.data_center_id')
    .leftJoin('cluster', 'cluster.id', 'pool.cluster_id')
    .select((eb) => [
      'pool.uuid',
      'pool.name',
      'pool.state',
      'pool.tags',
      'zone.uuid as zoneId',
      'cluster.uuid as clusterId',
      sql<boolean>`(pool.scope <> 'HOST' or zone.is_local_storage_enabled)`.as('inUse'),
      eb
        .exists(
          eb
            .selectFrom('storage_pool_host_ref as r')
            .innerJoin('host', 'host.id', 'r.host_id')
            .whereRef('r.pool_id', '=', 'pool.id')
            .where('r.mounted', '=', true)
            .where(isEnabled)
            .where(isUp)
            .select('r.id'),
        )
        .$castTo<boolean>()
        .as('served'),
    ])
    .orderBy('pool.name')
    .orderBy('pool.id');

export const findPool = (db: Queryable, uuid: string): Promise<DeployablePool | undefined> =>
  deployable(db).where('pool.uuid', '=', uuid).executeTakeFirst();

export const poolsOfZone = (db: Queryable, zoneId: number): Promise<readonly DeployablePool[]> =>
  deployable(db).where('pool.data_center_id', '=', zoneId).execute();
