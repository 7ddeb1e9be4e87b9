/** What hosts and storage pools of zones have, and what is taken of it. */
import { sql } from 'kysely';
import type { Queryable } from '../database.ts';
import { isEnabled } from '../hosts/hosts.ts';
import { takenOf } from '../hosts/machines.ts';

export interface ZoneFigures {
  readonly id: number;
  readonly uuid: string;
  readonly name: string;
  /** MHz. */
  readonly cpu: number;
  readonly cpuTaken: number;
  /** Bytes, as all that follow. */
  readonly memory: number;
  readonly memoryTaken: number;
  readonly storage: number;
  readonly storageUsed: number;
  /** Promised to disks, and taken by copies of templates and ISOs. */
  readonly storageAllocated: number;
}

export interface PlaceOfFigures {
  /** UUIDs. */
  readonly zoneId?: string | undefined;
  /** Of hosts in all of these clusters, and of pools that belong to one of them. */
  readonly clusterIds: readonly string[];
}

/** Of enabled hosts that can run machines, and of pools that are Up. Zones without any of them have zeros. */
export async function zoneFigures(
  db: Queryable,
  { zoneId, clusterIds }: PlaceOfFigures,
): Promise<readonly ZoneFigures[]> {
  const inClusters = sql<boolean>`${clusterIds}::uuid[] <@ array(
    select cluster.uuid from cluster where cluster.id = x.cluster_id)`;
  const { rows } = await sql<ZoneFigures>`
    select zone.id, zone.uuid, zone.name, hosts.*, pools.*
    from data_center zone,
    lateral (
      select coalesce(sum(x.cpu), 0)::bigint as cpu, coalesce(sum(x.cpu_taken), 0)::bigint as "cpuTaken",
        coalesce(sum(x.memory), 0)::bigint as memory, coalesce(sum(x.memory_taken), 0)::bigint as "memoryTaken"
      from (
        select host.cluster_id,
          (host.hypervisor->>'cpus')::numeric * (host.hypervisor->>'cpuSpeed')::numeric as cpu,
          (host.hypervisor->>'memory')::numeric as memory,
          (${takenOf}->>'cpu')::numeric as cpu_taken, (${takenOf}->>'memory')::numeric as memory_taken
        from host
        where host.data_center_id = zone.id and ${isEnabled} and host.hypervisor is not null
          and host.hypervisor->>'problem' is null) x
      where ${inClusters}) hosts,
    lateral (
      select coalesce(sum(x.capacity_bytes), 0)::bigint as storage,
        coalesce(sum(greatest(x.capacity_bytes - x.free_bytes, 0)), 0)::bigint as "storageUsed",
        coalesce(sum(
          (select coalesce(sum(v.size), 0) from volumes v where v.pool_id = x.id and v.removed is null)
          + (select coalesce(sum(c.physical_size), 0) from template_spool_ref c where c.pool_id = x.id)),
          0)::bigint as "storageAllocated"
      from storage_pool x
      where x.data_center_id = zone.id and x.state = 'Up' and ${inClusters}) pools
    where zone.removed is null and (${zoneId ?? null}::uuid is null or zone.uuid = ${zoneId ?? null}::uuid)
    order by zone.id`.execute(db);
  return rows;
}
