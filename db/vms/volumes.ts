/** Disks of machines, and the release of machines and disks by hosts. */
import { sql } from 'kysely';
import type { ReleaseVmJob, ReleaseVmResult } from '../../model/vm-payloads.ts';
import type { Database, Queryable } from '../database.ts';
import { isUp } from '../hosts/hosts.ts';
import { idOf } from './ids.ts';

/** What a host is to do. */
export interface Release {
  readonly hostId: string;
  readonly hostName: string;
  readonly job: ReleaseVmJob;
}

export type ReleasePlan =
  | Release
  /** No host can do it now: why, for administrators and for every user. */
  | { readonly job?: undefined; readonly reason: string; readonly publicReason: string };

/**
 * Which disks a release removes. `unready`: those that never held anything of the guest. `disks`: all of them. `all`: all of
 * them, with everything else that the host has of the machine.
 */
export type Removes = 'unready' | 'disks' | 'all';

/**
 * The next step towards a machine that no host has, and whose disks are removed; undefined when nothing is left to do. First
 * the host that has, or may have, the domain; then, for each disk that is left, some host of its pool.
 */
export async function planRelease(
  db: Queryable,
  vmId: string,
  removes: Removes,
): Promise<ReleasePlan | undefined> {
  const machine = await db
    .selectFrom('vm_instance as vm')
    .leftJoin('host', 'host.id', 'vm.host_id')
    .where('vm.uuid', '=', vmId)
    .select(['host.uuid as hostId', 'host.name as hostName', 'vm.generation'])
    .executeTakeFirst();
  if (machine === undefined) return undefined;
  const { hostId, hostName, generation } = machine;
  const disks = await disksToRemove(db, vmId, removes);
  const job = { v: 1, vmId, generation, forget: removes === 'all' } as const;
  if (hostId !== null && hostName !== null) {
    const remove = disks.filter((disk) => disk.hosts.some((host) => host.hostId === hostId));
    return { hostId, hostName, job: { ...job, remove: remove.map(fileOf) } };
  }
  const [disk] = disks;
  if (disk === undefined) return undefined;
  const host = disk.hosts.find(({ up }) => up);
  if (host !== undefined) {
    return { hostId: host.hostId, hostName: host.name, job: { ...job, remove: [fileOf(disk)] } };
  }
  return {
    reason: `no host that is Up has pool ${disk.poolName}, where its disk is`,
    publicReason: 'no host that is Up has the pool where its disk is',
  };
}

const fileOf = ({ poolId, volumeId }: DiskToRemove) => ({ poolId, volumeId });

interface DiskToRemove {
  readonly volumeId: string;
  readonly poolId: string;
  readonly poolName: string;
  /** Those that have the pool mounted. */
  readonly hosts: readonly { readonly hostId: string; readonly name: string; readonly up: boolean }[];
}

const disksToRemove = (db: Queryable, vmId: string, removes: Removes): Promise<readonly DiskToRemove[]> =>
  db
    .selectFrom('volumes')
    .innerJoin('storage_pool', 'storage_pool.id', 'volumes.pool_id')
    .where('volumes.vm_id', '=', idOf(vmId))
    .where('volumes.removed', 'is', null)
    .$if(removes === 'unready', (query) => query.where('volumes.state', '=', 'Creating'))
    .select([
      'storage_pool.uuid as poolId',
      'storage_pool.name as poolName',
      'volumes.uuid as volumeId',
      sql<DiskToRemove['hosts']>`coalesce((
        select jsonb_agg(jsonb_build_object('hostId', host.uuid, 'name', host.name, 'up', ${isUp}) order by host.name)
        from storage_pool_host_ref r join host on host.id = r.host_id
        where r.pool_id = storage_pool.id and r.mounted), '[]')`.as('hosts'),
    ])
    .orderBy('volumes.id')
    .execute();

/**
 * Records that a host has confirmed that it has no domain of the machine, and has removed disks.
 * @param removed UUIDs of the volumes that it was to remove
 */
export function recordReleased(
  db: Database,
  { vmId, hostId }: ReleaseVmResult,
  removed: readonly string[],
): Promise<void> {
  return db.transaction().execute(async (tx) => {
    await tx
      .updateTable('volumes')
      .set({
        pool_id: null,
        physical_size: 0,
        state: sql`case state when 'Creating' then 'Allocated' else 'Expunging' end`,
      })
      .where('vm_id', '=', idOf(vmId))
      .where('uuid', 'in', [...removed, NONE])
      .execute();
    await tx
      .updateTable('vm_instance')
      .set((eb) => ({
        host_id: null,
        last_host_id: eb.ref('host_id'),
        power_state: 'PowerOff',
        power_reason: null,
        power_state_updated: sql<Date>`now()`,
        updated: sql<Date>`now()`,
      }))
      .where('uuid', '=', vmId)
      .where('host_id', '=', sql<number>`(select id from host where uuid = ${hostId})`)
      .execute();
  });
}

const NONE = '00000000-0000-0000-0000-000000000000';

/** Marks a machine, its disks and its network cards as gone. */
export async function removeRows(tx: Queryable, vmId: string): Promise<void> {
  const now = sql<Date>`coalesce(removed, now())`;
  await tx
    .updateTable('volumes')
    .set({ removed: now, state: 'Expunging', pool_id: null })
    .where('vm_id', '=', idOf(vmId))
    .execute();
  await tx.updateTable('nics').set({ removed: now }).where('vm_id', '=', idOf(vmId)).execute();
  await tx
    .updateTable('vm_instance')
    .set({ removed: now, state: 'Expunging', iso_id: null, host_id: null, updated: sql`now()` })
    .where('uuid', '=', vmId)
    .execute();
}
