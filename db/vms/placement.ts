/**
 * Chooses host and pool for a machine, and reserves processors, memory and disk there, in one transaction. Placements of a
 * zone run one after the other (a lock on the zone's row), so that no two of them count on the same room. The
 * reservation is the machine's row itself: `host_id` with the state Starting, and `pool_id` of its volume.
 *
 * While `host_id` is set, that host may have the domain, and the machine is placed on no other. While `pool_id` of the
 * volume is set, its file may be in that pool, and the machine is placed on no other pool.
 */
import { sql } from 'kysely';
import { choosePlace, describeRefusalsPublicly } from '../../model/placement.ts';
import type { PlaceHost, PlacePool, Refusal, Wish } from '../../model/placement.ts';
import { defaultNetworkOf, overprovisioningOf } from '../../model/configurations.ts';
import type { ConfigurationValues } from '../../model/configurations.ts';
import type { Database, Queryable } from '../database.ts';
import { NotPossible } from '../errors.ts';
import { isEnabled, isUp } from '../hosts/hosts.ts';
import { takenOf } from '../hosts/machines.ts';
import { configurationValues } from '../zones/configurations.ts';
import { isAstray } from './domains.ts';
import { imagesOf, lockCopies } from './images.ts';
import type { NeededImage } from './images.ts';
import { isRootDisk } from './root-disk.ts';

const MIB = 1_048_576;

export interface PlacementRequest {
  readonly vmId: string;
  /** The host that an administrator wants for this start. */
  readonly hostId?: string;
  /** Hosts and pools that failed before, in this start. */
  readonly excludedHosts: readonly string[];
  readonly excludedPools: readonly string[];
}

/** An image that a machine needs on its pool. */
export interface PlacedImage {
  readonly templateId: string;
  readonly name: string;
  readonly ready: boolean;
}

export type Placement =
  | {
      readonly outcome: 'placed';
      readonly hostId: string;
      readonly hostName: string;
      readonly poolId: string;
      readonly poolName: string;
      readonly zoneId: string;
      readonly images: readonly PlacedImage[];
      /** No host had the machine before. */
      readonly fresh: boolean;
    }
  /** Another host would do, but this one may have the domain, and must confirm first that it has none. */
  | { readonly outcome: 'held'; readonly hostId: string; readonly hostName: string }
  | {
      readonly outcome: 'none';
      readonly refusals: readonly Refusal[];
      /** Only space on pools is missing. */
      readonly space: boolean;
    };

/** @throws NotPossible when there is no such machine, or its disk is lost */
export function place(db: Database, request: PlacementRequest): Promise<Placement> {
  return db.transaction().execute(async (tx) => {
    const machine = await lockMachine(tx, request.vmId);
    if (await isAstray(tx, request.vmId)) throw new NotPossible(ASTRAY);
    const values = await configurationValues(tx, machine.zone);
    const images = await imagesOf(tx, machine.id);
    const pools = await poolsOf(tx, machine, images);
    const wish = await wishFor(tx, machine, { request, values, images });
    const choice = choosePlace(await hostsOf(tx, machine), pools, wish, overprovisioningOf(values));
    if (choice.host === undefined) {
      await noteWaiting(tx, machine, describeRefusalsPublicly(choice.refusals));
      return { outcome: 'none', ...choice };
    }
    const { host, pool } = choice;
    if (machine.homeId !== null && machine.homeName !== null && host.hostId !== machine.homeId) {
      return { outcome: 'held', hostId: machine.homeId, hostName: machine.homeName };
    }
    const ready = await lockCopies(tx, pool.poolId, images);
    await reserve(tx, machine, { hostId: host.hostId, poolId: pool.poolId });
    return {
      outcome: 'placed',
      hostId: host.hostId,
      hostName: host.name,
      poolId: pool.poolId,
      poolName: pool.name,
      zoneId: machine.zoneId,
      images: images.map(({ templateId, name }) => ({ templateId, name, ready: ready.has(templateId) })),
      fresh: machine.homeId === null,
    };
  });
}

const ASTRAY =
  'A host has this machine that should not have it, so that it would run twice: an administrator must undefine its domain there (event VM.DOMAIN.STRAY)';

type Machine = Awaited<ReturnType<typeof lockMachine>>;

async function lockMachine(tx: Queryable, vmId: string) {
  await tx
    .selectFrom('data_center')
    .where('id', '=', (eb) => eb.selectFrom('vm_instance').where('uuid', '=', vmId).select('data_center_id'))
    .select('id')
    .forNoKeyUpdate()
    .executeTakeFirstOrThrow(() => new NotPossible(`There is no virtual machine ${vmId}`));
  const machine = await tx
    .selectFrom('vm_instance as vm')
    .innerJoin('service_offering as offering', 'offering.id', 'vm.service_offering_id')
    .innerJoin('data_center', 'data_center.id', 'vm.data_center_id')
    .innerJoin('volumes as volume', (join) => join.on(isRootDisk))
    .leftJoin('storage_pool', 'storage_pool.id', 'volume.pool_id')
    .leftJoin('host as home', 'home.id', 'vm.host_id')
    .leftJoin('host as wanted', 'wanted.id', 'vm.wanted_host_id')
    .leftJoin('cluster', 'cluster.id', 'vm.wanted_cluster_id')
    .leftJoin('disk_offering', 'disk_offering.id', 'volume.disk_offering_id')
    .where('vm.uuid', '=', vmId)
    .select([
      'vm.id',
      'vm.data_center_id as zone',
      'data_center.uuid as zoneId',
      'vm.state',
      'vm.cpu',
      'vm.speed',
      'vm.ram_size as memory',
      'vm.boot_type as bootType',
      'vm.boot_mode as bootMode',
      'home.uuid as homeId',
      'home.name as homeName',
      'wanted.uuid as wantedHostId',
      'cluster.uuid as wantedClusterId',
      'offering.host_tags as hostTags',
      'offering.storage_tags as storageTags',
      'offering.storage_type as storageType',
      'disk_offering.tags as diskTags',
      'disk_offering.storage_type as diskStorageType',
      'volume.id as volume',
      'volume.size',
      'volume.state as volumeState',
      'storage_pool.uuid as poolId',
    ])
    .forUpdate(['vm', 'volume'])
    .executeTakeFirstOrThrow(() => new NotPossible(`Virtual machine ${vmId} has no disk`));
  if (machine.volumeState === 'Destroy') {
    throw new NotPossible(
      'Its disk was on a pool that was removed with its host: restore the machine, or destroy it',
    );
  }
  return machine;
}

async function wishFor(
  tx: Queryable,
  machine: Machine,
  {
    request,
    values,
    images,
  }: {
    readonly request: PlacementRequest;
    readonly values: ConfigurationValues;
    readonly images: readonly NeededImage[];
  },
): Promise<Wish> {
  const hostId = request.hostId ?? machine.wantedHostId;
  return {
    cpus: machine.cpu,
    cpuSpeed: machine.speed,
    memory: machine.memory * MIB,
    networks: await networksOf(tx, machine.id, defaultNetworkOf(values)),
    hostTags: machine.hostTags,
    // The disk offering decides where one was given for the root disk.
    storageTags: machine.diskTags ?? machine.storageTags,
    storageType: machine.diskStorageType ?? machine.storageType,
    ...(machine.bootType === 'UEFI' ? { uefi: machine.bootMode } : {}),
    size: machine.volumeState === 'Ready' ? 0 : machine.size,
    ...(machine.poolId === null ? {} : { poolId: machine.poolId }),
    lostImages: images.flatMap(({ name, lost }) => (lost ? [name] : [])),
    ...(hostId === null ? {} : { hostId }),
    ...(machine.wantedClusterId === null ? {} : { clusterId: machine.wantedClusterId }),
    ...(machine.homeId === null ? {} : { homeId: machine.homeId }),
    excludedHosts: request.excludedHosts,
    excludedPools: request.excludedPools,
  };
}

async function networksOf(tx: Queryable, vm: number, fallback: string): Promise<Wish['networks']> {
  const rows = await tx
    .selectFrom('nics')
    .innerJoin('networks', 'networks.id', 'nics.network_id')
    .where('nics.vm_id', '=', vm)
    .where('nics.removed', 'is', null)
    .select(['networks.host_network as name', 'networks.vlan'])
    .execute();
  return rows.map(({ name, vlan }) => ({ name: name ?? fallback, tagged: vlan !== null }));
}

/** What the machine itself takes of its host already, when it was placed before. */
const ownShare = ({ state, cpu, speed, memory }: Machine) =>
  ['Starting', 'Running', 'Stopping'].includes(state)
    ? { cpu: cpu * speed, memory: memory * MIB }
    : { cpu: 0, memory: 0 };

async function hostsOf(tx: Queryable, machine: Machine): Promise<readonly PlaceHost[]> {
  const rows = await tx
    .selectFrom('host')
    .innerJoin('cluster', 'cluster.id', 'host.cluster_id')
    .where('host.data_center_id', '=', machine.zone)
    .select([
      'host.uuid as hostId',
      'cluster.uuid as clusterId',
      'host.name',
      isUp.as('up'),
      isEnabled.as('enabled'),
      'host.resource_state as state',
      'host.host_tags as tags',
      'host.hypervisor',
      takenOf.as('taken'),
      sql<readonly string[]>`coalesce((
        select array_agg(p.uuid) from storage_pool_host_ref r join storage_pool p on p.id = r.pool_id
        where r.host_id = host.id and r.mounted), '{}')`.as('pools'),
    ])
    .orderBy('host.name')
    .execute();
  const own = ownShare(machine);
  return rows.map(({ state, taken, ...row }) => {
    const isHome = row.hostId === machine.homeId;
    return {
      ...row,
      maintenance: state === 'Maintenance',
      cpuTaken: taken.cpu - (isHome ? own.cpu : 0),
      memoryTaken: taken.memory - (isHome ? own.memory : 0),
    };
  });
}

async function poolsOf(
  tx: Queryable,
  machine: Machine,
  images: readonly NeededImage[],
): Promise<readonly PlacePool[]> {
  const needed = images.map(({ id }) => id);
  const rows = await tx
    .selectFrom('storage_pool as pool')
    .innerJoin('data_center', 'data_center.id', 'pool.data_center_id')
    .where('pool.data_center_id', '=', machine.zone)
    .select([
      'pool.uuid as poolId',
      'data_center.is_local_storage_enabled as localAllowed',
      'pool.name',
      'pool.scope',
      'pool.state',
      'pool.tags',
      'pool.capacity_bytes as capacity',
      sql<number>`(
        select coalesce(sum(v.size), 0) from volumes v
        where v.pool_id = pool.id and v.removed is null and v.id <> ${machine.volume})::bigint
        + (select coalesce(sum(c.physical_size), 0) from template_spool_ref c where c.pool_id = pool.id)::bigint`.as(
        'allocated',
      ),
      sql<number>`(
        select count(*) from template_spool_ref c where c.pool_id = pool.id
          and c.template_id = any(${needed}) and c.state = 'Ready')`.as('ready'),
      sql<boolean>`exists (
        select from template_spool_ref c where c.pool_id = pool.id
          and c.template_id = any(${needed}) and c.state = 'Ready' and c.error_kind is not null)`.as(
        'damaged',
      ),
      // A disk that stands on the image means that the image is on its way, before its copy has a row.
      sql<number>`(
        select count(distinct i) from unnest(${needed}::bigint[]) i
        where exists (select from template_spool_ref c where c.pool_id = pool.id and c.template_id = i
            and c.state in ('Ready', 'Creating'))
          or exists (select from volumes v where v.pool_id = pool.id and v.template_id = i
            and v.removed is null and v.state in ('Creating', 'Ready')))`.as('coming'),
    ])
    .execute();
  return rows.map(({ state, ready, coming, damaged, ...row }) => ({
    ...row,
    usable: state === 'Up',
    images: stateOf({ needed: needed.length, ready, coming, damaged }),
  }));
}

interface ImagesThere {
  readonly needed: number;
  readonly ready: number;
  readonly coming: number;
  readonly damaged: boolean;
}

function stateOf({ needed, ready, coming, damaged }: ImagesThere): PlacePool['images'] {
  if (damaged) return 'damaged';
  if (ready === needed) return 'ready';
  return coming === needed ? 'coming' : 'absent';
}

const noteWaiting = (tx: Queryable, { id }: Machine, reason: string): Promise<unknown> =>
  tx
    .updateTable('vm_instance')
    .set({
      state: 'Starting',
      phase: 'place',
      error_str: reason,
      error_kind: null,
      updated: sql<Date>`now()`,
    })
    .where('id', '=', id)
    .execute();

async function reserve(
  tx: Queryable,
  machine: Machine,
  { hostId, poolId }: { readonly hostId: string; readonly poolId: string },
): Promise<void> {
  await tx
    .updateTable('volumes')
    .set({
      pool_id: sql<number>`(select id from storage_pool where uuid = ${poolId})`,
      ...(machine.volumeState === 'Allocated' ? { state: 'Creating' as const } : {}),
    })
    .where('id', '=', machine.volume)
    .execute();
  await tx
    .updateTable('vm_instance')
    .set({
      host_id: sql<number>`(select id from host where uuid = ${hostId})`,
      state: 'Starting',
      phase: 'copy',
      error_str: null,
      error_kind: null,
      updated: sql<Date>`now()`,
    })
    .where('id', '=', machine.id)
    .execute();
}
