/** Machines as lists show them. */
import { expressionBuilder, sql, type SqlBool } from 'kysely';
import { jobStatus } from '../../model/states.ts';
import type { Queryable } from '../database.ts';
import { isUp } from '../hosts/hosts.ts';
import { containing, type Listing, type Order, type Page } from '../page.ts';
import { rowId } from '../row-id.ts';
import type { Row, Tables } from '../tables.ts';
import { hasTag, type Tag, tagsOf } from '../tags/tags.ts';
import { isRootDisk } from './root-disk.ts';

export interface VmQuery {
  /** Only those of this account. */
  readonly accountId?: number | undefined;
  readonly ids?: readonly string[] | undefined;
  readonly name?: string | undefined;
  /** Part of the name or of the display name. */
  readonly keyword?: string | undefined;
  /** A state in any case, or `present`: neither Destroyed nor Expunging. */
  readonly state?: string | undefined;
  /** Leaves out those that are Destroyed or Expunging, whatever state is asked for. */
  readonly hideDestroyed?: boolean | undefined;
  readonly zoneId?: string | undefined;
  readonly hostId?: string | undefined;
  /** Of the host; in all of them. */
  readonly clusterIds?: readonly string[] | undefined;
  readonly poolId?: string | undefined;
  readonly templateId?: string | undefined;
  readonly isoId?: string | undefined;
  readonly offeringId?: string | undefined;
  readonly groupId?: string | undefined;
  readonly networkId?: string | undefined;
  readonly userId?: string | undefined;
  /** Name of an SSH key pair. */
  readonly keypair?: string | undefined;
  readonly haEnabled?: boolean | undefined;
  readonly displayVm?: boolean | undefined;
  /** All of them. */
  readonly tags?: readonly Tag[] | undefined;
  readonly order?: Order<VmColumn> | undefined;
}

/**
 * Of the rows `vm` and `host`: `Unknown` when it is unknown whether the machine runs, since its host is Down, or was lost
 * during a start and has not reported since.
 */
export const shownState = sql<string>`case
  when vm.host_id is not null
    and ((vm.state = 'Running' and not ${isUp}) or (vm.state = 'Stopped' and vm.power_state = 'PowerUnknown'))
  then 'Unknown' else vm.state end`;

const COLUMNS = {
  created: 'vm.id',
  name: 'vm.name',
  state: shownState,
  account: 'account.account_name',
} as const;
export type VmColumn = keyof typeof COLUMNS;
export const VM_COLUMNS = Object.keys(COLUMNS) as readonly VmColumn[];

export type VmListRow = Row<'vm_instance'> & {
  readonly shown_state: string;
  readonly account_uuid: string;
  readonly account_name: string;
  readonly user_uuid: string;
  readonly username: string;
  readonly zone_uuid: string;
  readonly zone_name: string;
  readonly host_uuid: string | null;
  readonly host_name: string | null;
  readonly offering_uuid: string;
  readonly offering_name: string;
  readonly template_uuid: string;
  readonly template_name: string;
  readonly template_text: string;
  readonly template_format: Row<'vm_template'>['format'];
  readonly template_size: number;
  readonly password_enabled: boolean;
  readonly arch: string;
  readonly iso_uuid: string | null;
  readonly iso_name: string | null;
  readonly iso_text: string | null;
  readonly iso_size: number | null;
  readonly os_uuid: string | null;
  readonly os_name: string | null;
  readonly group_uuid: string | null;
  readonly group_name: string | null;
  readonly user_data_uuid: string | null;
  readonly user_data_name: string | null;
  /** Of its disk. */
  readonly disk_offering_uuid: string | null;
  readonly disk_offering_name: string | null;
  /** Whether its disk stands on an image. */
  readonly has_image: boolean;
  readonly pool_uuid: string | null;
  readonly pool_type: Row<'storage_pool'>['pool_type'] | null;
  /** The oldest job that waits for the machine. */
  readonly job_uuid: string | null;
  readonly tags: readonly Tag[];
};

export async function listVms(
  db: Queryable,
  query: VmQuery,
  { limit, offset }: Page,
): Promise<Listing<VmListRow>> {
  const { count } = await matching(db, query)
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  if (count <= offset) return { count, rows: [] };
  const { by, direction } = query.order ?? { by: 'created', direction: 'asc' };
  const rows = await matching(db, query)
    .innerJoin('account', 'account.id', 'vm.account_id')
    .innerJoin('user', 'user.id', 'vm.user_id')
    .innerJoin('data_center as zone', 'zone.id', 'vm.data_center_id')
    .innerJoin('service_offering as offering', 'offering.id', 'vm.service_offering_id')
    .innerJoin('vm_template as template', 'template.id', 'vm.template_id')
    .leftJoin('vm_template as iso', 'iso.id', 'vm.iso_id')
    .leftJoin('guest_os as os', 'os.id', 'vm.guest_os_id')
    .leftJoin('instance_group as group', 'group.id', 'vm.instance_group_id')
    .leftJoin('user_data', 'user_data.id', 'vm.user_data_id')
    .leftJoin('volumes as volume', (join) => join.on(isRootDisk))
    .leftJoin('disk_offering', 'disk_offering.id', 'volume.disk_offering_id')
    .leftJoin('storage_pool as pool', 'pool.id', 'volume.pool_id')
    .selectAll('vm')
    .select([
      shownState.as('shown_state'),
      'account.uuid as account_uuid',
      'account.account_name',
      'user.uuid as user_uuid',
      'user.username',
      'zone.uuid as zone_uuid',
      'zone.name as zone_name',
      'host.uuid as host_uuid',
      'host.name as host_name',
      'offering.uuid as offering_uuid',
      'offering.name as offering_name',
      'template.uuid as template_uuid',
      'template.name as template_name',
      'template.display_text as template_text',
      'template.format as template_format',
      'template.size as template_size',
      'template.enable_password as password_enabled',
      'template.arch',
      'iso.uuid as iso_uuid',
      'iso.name as iso_name',
      'iso.display_text as iso_text',
      'iso.size as iso_size',
      'os.uuid as os_uuid',
      'os.display_name as os_name',
      'group.uuid as group_uuid',
      'group.name as group_name',
      'user_data.uuid as user_data_uuid',
      'user_data.name as user_data_name',
      'disk_offering.uuid as disk_offering_uuid',
      'disk_offering.name as disk_offering_name',
      sql<boolean>`volume.template_id is not null`.as('has_image'),
      'pool.uuid as pool_uuid',
      'pool.pool_type',
      pendingJob.as('job_uuid'),
      tagsOf('vm', 'vm.id').as('tags'),
    ])
    .orderBy(COLUMNS[by], direction)
    .orderBy('vm.id')
    .limit(limit)
    .offset(offset)
    .execute();
  return { count, rows };
}

const pendingJob = sql<string | null>`(
  select job.uuid from async_job job
  where job.instance_uuid = vm.uuid and job.instance_type = 'VirtualMachine' and job.job_status = ${sql.lit(jobStatus.pending)}
  order by job.id limit 1)`;

/** By columns of `vm` and its host alone: what belongs to it is joined to the rows of a page, and not to count. */
const matching = (db: Queryable, query: VmQuery) =>
  db
    .selectFrom('vm_instance as vm')
    .leftJoin('host', 'host.id', 'vm.host_id')
    .where('vm.removed', 'is', null)
    .where(eb.and(conditions(query)));

const eb = expressionBuilder<Tables & { readonly vm: Tables['vm_instance'] }, 'vm' | 'host'>();

function conditions(query: VmQuery) {
  const { accountId, ids, name, keyword, state, haEnabled, displayVm, keypair, networkId, poolId } = query;
  return [
    ...(accountId === undefined ? [] : [eb('vm.account_id', '=', accountId)]),
    ...(ids === undefined ? [] : [eb('vm.uuid', 'in', ids)]),
    ...(name === undefined ? [] : [eb('vm.name', '=', name)]),
    ...(keyword === undefined ? [] : [mentions(keyword)]),
    ...(state === undefined ? [] : [isInState(state)]),
    ...(query.hideDestroyed === true ? [isPresent] : []),
    ...(query.zoneId === undefined ? [] : [eb('vm.data_center_id', '=', rowId('data_center', query.zoneId))]),
    ...(query.hostId === undefined ? [] : [eb('vm.host_id', '=', rowId('host', query.hostId))]),
    ...(query.clusterIds ?? []).map((clusterId) => eb('host.cluster_id', '=', rowId('cluster', clusterId))),
    ...(poolId === undefined ? [] : [hasDiskOn(poolId)]),
    ...(query.templateId === undefined
      ? []
      : [eb('vm.template_id', '=', rowId('vm_template', query.templateId))]),
    ...(query.isoId === undefined ? [] : [eb('vm.iso_id', '=', rowId('vm_template', query.isoId))]),
    ...(query.offeringId === undefined
      ? []
      : [eb('vm.service_offering_id', '=', rowId('service_offering', query.offeringId))]),
    ...(query.groupId === undefined
      ? []
      : [eb('vm.instance_group_id', '=', rowId('instance_group', query.groupId))]),
    ...(query.userId === undefined ? [] : [eb('vm.user_id', '=', rowId('user', query.userId))]),
    ...(keypair === undefined ? [] : [sql<SqlBool>`vm.keypair_names @> array[${keypair}]::text[]`]),
    ...(networkId === undefined ? [] : [isIn(networkId)]),
    ...(haEnabled === undefined ? [] : [eb('vm.ha_enabled', '=', haEnabled)]),
    ...(displayVm === undefined ? [] : [eb('vm.display_vm', '=', displayVm)]),
    ...(query.tags ?? []).map((tag) => hasTag('vm', 'vm.id', tag)),
  ];
}

const hasDiskOn = (poolId: string) => sql<SqlBool>`vm.id in (
  select volume.vm_id from volumes volume
  where volume.pool_id = ${rowId('storage_pool', poolId)} and volume.removed is null and volume.volume_type = 'ROOT')`;

const isPresent = sql<SqlBool>`vm.state not in ('Destroyed', 'Expunging')`;

const isInState = (state: string) =>
  state.toLowerCase() === 'present' ? isPresent : sql<SqlBool>`lower(${shownState}) = ${state.toLowerCase()}`;

const mentions = (keyword: string) =>
  eb.or([eb('vm.name', 'ilike', containing(keyword)), eb('vm.display_name', 'ilike', containing(keyword))]);

const isIn = (networkId: string) =>
  eb.exists(
    eb
      .selectFrom('nics')
      .innerJoin('networks', 'networks.id', 'nics.network_id')
      .whereRef('nics.vm_id', '=', 'vm.id')
      .where('nics.removed', 'is', null)
      .where('networks.uuid', '=', networkId)
      .select('nics.id'),
  );

/** A machine by its UUID, also one that was expunged. */
export const findVm = (db: Queryable, uuid: string): Promise<Row<'vm_instance'> | undefined> =>
  db.selectFrom('vm_instance').where('uuid', '=', uuid).selectAll().executeTakeFirst();
