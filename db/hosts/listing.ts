/** Hosts as lists show them. */
import { sql } from 'kysely';
import { OVERPROVISIONING_NAMES } from '../../model/configurations.ts';
import type { ConfigurationValues } from '../../model/configurations.ts';
import type { ResourceState } from '../../model/states.ts';
import type { Queryable } from '../database.ts';
import { isUp } from './hosts.ts';
import { takenOf } from './machines.ts';
import type { Taken } from './machines.ts';
import type { Row } from '../tables.ts';
import { containing, type Listing, type Order, type Page } from '../page.ts';

export interface HostQuery {
  readonly id?: string | undefined;
  readonly name?: string | undefined;
  readonly zoneId?: string | undefined;
  /** It is in all of them. */
  readonly clusterIds?: readonly string[] | undefined;
  readonly up?: boolean | undefined;
  readonly resourceState?: ResourceState | undefined;
  readonly version?: string | undefined;
  readonly keyword?: string | undefined;
  readonly order?: Order<HostColumn> | undefined;
}

const COLUMNS = {
  name: 'host.name',
  state: isUp,
  cluster: 'cluster.name',
  version: 'host.version',
} as const;
export type HostColumn = keyof typeof COLUMNS;
export const HOST_COLUMNS = Object.keys(COLUMNS) as readonly HostColumn[];

export type HostListRow = Row<'host'> & {
  readonly up: boolean;
  readonly zone_uuid: string;
  readonly zone_name: string;
  readonly cluster_uuid: string;
  readonly cluster_name: string;
  /** Why pools that it has are not mounted there. */
  readonly pool_problems: readonly string[];
  readonly taken: Taken;
  /** What was set in its zone of `OVERPROVISIONING_NAMES`. */
  readonly overprovisioning: ConfigurationValues;
};

export async function listHosts(
  db: Queryable,
  query: HostQuery,
  { limit, offset }: Page,
): Promise<Listing<HostListRow>> {
  const { count } = await matching(db, query)
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  const { by, direction } = query.order ?? { by: 'name', direction: 'asc' };
  const rows = await matching(db, query)
    .selectAll('host')
    .select([
      isUp.as('up'),
      'zone.uuid as zone_uuid',
      'zone.name as zone_name',
      'cluster.uuid as cluster_uuid',
      'cluster.name as cluster_name',
      poolProblems.as('pool_problems'),
      takenOf.as('taken'),
      overprovisioning.as('overprovisioning'),
    ])
    .orderBy(COLUMNS[by], direction)
    .orderBy('host.name')
    .orderBy('host.id')
    .limit(limit)
    .offset(offset)
    .execute();
  return { count, rows };
}

const poolProblems = sql<readonly string[]>`array(
  select 'pool ' || p.name || ': ' || r.problem
  from storage_pool_host_ref r join storage_pool p on p.id = r.pool_id
  where r.host_id = host.id and r.problem is not null order by p.name)`;

const names = sql.val([...OVERPROVISIONING_NAMES]);
const overprovisioning = sql<ConfigurationValues>`(
  select coalesce(jsonb_object_agg(name, value), '{}') from configuration where name = any(${names})) || (
  select coalesce(jsonb_object_agg(name, value), '{}') from data_center_details
  where data_center_id = host.data_center_id and name = any(${names}))`;

function matching(db: Queryable, query: HostQuery) {
  const { id, name, zoneId, clusterIds, up, resourceState, version, keyword } = query;
  let hosts = db
    .selectFrom('host')
    .innerJoin('data_center as zone', 'zone.id', 'host.data_center_id')
    .innerJoin('cluster', 'cluster.id', 'host.cluster_id');
  if (id !== undefined) hosts = hosts.where('host.uuid', '=', id);
  if (name !== undefined) hosts = hosts.where('host.name', '=', name);
  if (zoneId !== undefined) hosts = hosts.where('zone.uuid', '=', zoneId);
  for (const clusterId of clusterIds ?? []) hosts = hosts.where('cluster.uuid', '=', clusterId);
  if (up !== undefined) hosts = hosts.where(up ? isUp : sql<boolean>`not ${isUp}`);
  if (resourceState !== undefined) hosts = hosts.where('host.resource_state', '=', resourceState);
  if (version !== undefined) hosts = hosts.where('host.version', '=', version);
  if (keyword !== undefined) hosts = hosts.where('host.name', 'ilike', containing(keyword));
  return hosts;
}
