/** Disks of machines as lists show them. */
import { sql } from 'kysely';
import type { Queryable } from '../database.ts';
import { containing, type Listing, type Page } from '../page.ts';
import { rowId } from '../row-id.ts';
import type { Row } from '../tables.ts';
import { shownState } from './listing.ts';

export interface VolumeQuery {
  /** Only those of this account. */
  readonly accountId?: number | undefined;
  readonly ids?: readonly string[] | undefined;
  readonly name?: string | undefined;
  readonly keyword?: string | undefined;
  readonly type?: Row<'volumes'>['volume_type'] | undefined;
  readonly state?: string | undefined;
  readonly vmId?: string | undefined;
  readonly poolId?: string | undefined;
  readonly hostId?: string | undefined;
  readonly zoneId?: string | undefined;
  readonly clusterIds?: readonly string[] | undefined;
  readonly diskOfferingId?: string | undefined;
  /** Leaves out those of machines that are Destroyed or Expunging. */
  readonly hideDestroyed?: boolean | undefined;
}

export type VolumeListRow = Row<'volumes'> & {
  readonly account_name: string;
  readonly zone_uuid: string;
  readonly zone_name: string;
  readonly vm_uuid: string | null;
  readonly vm_name: string | null;
  readonly vm_display_name: string | null;
  readonly vm_state: string | null;
  readonly offering_uuid: string | null;
  readonly offering_name: string | null;
  readonly pool_uuid: string | null;
  readonly pool_name: string | null;
  readonly pool_scope: Row<'storage_pool'>['scope'] | null;
  readonly cluster_uuid: string | null;
  readonly template_uuid: string | null;
  readonly template_name: string | null;
  readonly template_text: string | null;
  readonly iso_uuid: string | null;
  readonly iso_name: string | null;
  readonly disk_offering_uuid: string | null;
  readonly disk_offering_name: string | null;
};

export async function listVolumes(
  db: Queryable,
  query: VolumeQuery,
  { limit, offset }: Page,
): Promise<Listing<VolumeListRow>> {
  const { count } = await matching(db, query)
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  if (count <= offset) return { count, rows: [] };
  // The page is found in an index; only its rows are read.
  const page = matching(db, query).select('volume.id').orderBy('volume.id').limit(limit).offset(offset);
  const rows = await db
    .selectFrom('volumes as volume')
    .innerJoin(page.as('page'), 'page.id', 'volume.id')
    .innerJoin('account', 'account.id', 'volume.account_id')
    .innerJoin('data_center as zone', 'zone.id', 'volume.data_center_id')
    .leftJoin('vm_instance as vm', 'vm.id', 'volume.vm_id')
    .leftJoin('host', 'host.id', 'vm.host_id')
    .leftJoin('service_offering as offering', 'offering.id', 'vm.service_offering_id')
    .leftJoin('storage_pool as pool', 'pool.id', 'volume.pool_id')
    .leftJoin('cluster', 'cluster.id', 'pool.cluster_id')
    .leftJoin('vm_template as template', 'template.id', 'volume.template_id')
    .leftJoin('vm_template as iso', 'iso.id', 'vm.iso_id')
    .leftJoin('disk_offering', 'disk_offering.id', 'volume.disk_offering_id')
    .selectAll('volume')
    .select([
      'account.account_name',
      'zone.uuid as zone_uuid',
      'zone.name as zone_name',
      'vm.uuid as vm_uuid',
      'vm.name as vm_name',
      'vm.display_name as vm_display_name',
      shownState.$castTo<string | null>().as('vm_state'),
      'offering.uuid as offering_uuid',
      'offering.name as offering_name',
      'pool.uuid as pool_uuid',
      'pool.name as pool_name',
      'pool.scope as pool_scope',
      'cluster.uuid as cluster_uuid',
      'template.uuid as template_uuid',
      'template.name as template_name',
      'template.display_text as template_text',
      'iso.uuid as iso_uuid',
      'iso.name as iso_name',
      'disk_offering.uuid as disk_offering_uuid',
      'disk_offering.name as disk_offering_name',
    ])
    .orderBy('volume.id')
    .execute();
  return { count, rows };
}

/** By columns of `volume` alone: what belongs to it is joined to the rows of a page, and not to count. */
function matching(db: Queryable, query: VolumeQuery) {
  const { accountId, ids, name, keyword, type, state, vmId, poolId, hostId, zoneId, diskOfferingId } = query;
  let volumes = db.selectFrom('volumes as volume').where('volume.removed', 'is', null);
  if (accountId !== undefined) volumes = volumes.where('volume.account_id', '=', accountId);
  if (ids !== undefined) volumes = volumes.where('volume.uuid', 'in', ids);
  if (name !== undefined) volumes = volumes.where('volume.name', '=', name);
  if (keyword !== undefined) volumes = volumes.where('volume.name', 'ilike', containing(keyword));
  if (type !== undefined) volumes = volumes.where('volume.volume_type', '=', type);
  if (state !== undefined)
    volumes = volumes.where(sql<boolean>`lower(volume.state) = ${state.toLowerCase()}`);
  if (vmId !== undefined) volumes = volumes.where('volume.vm_id', '=', rowId('vm_instance', vmId));
  if (poolId !== undefined) volumes = volumes.where('volume.pool_id', '=', rowId('storage_pool', poolId));
  if (hostId !== undefined)
    volumes = volumes.where(
      sql<boolean>`volume.vm_id in (select id from vm_instance where host_id = ${rowId('host', hostId)})`,
    );
  if (zoneId !== undefined)
    volumes = volumes.where('volume.data_center_id', '=', rowId('data_center', zoneId));
  if (diskOfferingId !== undefined)
    volumes = volumes.where('volume.disk_offering_id', '=', rowId('disk_offering', diskOfferingId));
  for (const clusterId of query.clusterIds ?? [])
    volumes = volumes.where(
      sql<boolean>`volume.pool_id in (select id from storage_pool where cluster_id = ${rowId('cluster', clusterId)})`,
    );
  if (query.hideDestroyed === true)
    volumes = volumes.where(
      sql<boolean>`not exists (
        select from vm_instance vm where vm.id = volume.vm_id and vm.state in ('Destroyed', 'Expunging') and vm.removed is null)`,
    );
  return volumes;
}

/** Whether there is such a disk, also one that was removed. @param accountId only of this account */
export async function isVolume(db: Queryable, uuid: string, accountId?: number): Promise<boolean> {
  const found = await db
    .selectFrom('volumes')
    .where('uuid', '=', uuid)
    .$if(accountId !== undefined, (query) => query.where('account_id', '=', accountId ?? 0))
    .select('id')
    .executeTakeFirst();
  return found !== undefined;
}
