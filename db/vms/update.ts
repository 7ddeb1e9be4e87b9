/** Changes of a machine that need no host: they take effect at its next start. */
import { sql, type Updateable } from 'kysely';
import type { VmState } from '../../model/vms.ts';
import type { Queryable } from '../database.ts';
import type { Tables } from '../tables.ts';

/** What is undefined stays as it is. */
export type VmChanges = Pick<
  Updateable<Tables['vm_instance']>,
  | 'name'
  | 'display_name'
  | 'instance_group_id'
  | 'user_data_sealed'
  | 'user_data_id'
  | 'user_data_details_sealed'
  | 'keypair_names'
  | 'public_keys'
  | 'details'
  | 'guest_os_id'
  | 'ha_enabled'
  | 'display_vm'
  | 'delete_protection'
  | 'dynamically_scalable'
  | 'service_offering_id'
  | 'cpu'
  | 'speed'
  | 'ram_size'
>;

/**
 * @param states in which the machine must be
 * @returns false when it is in another state, or expunged: then nothing is changed
 */
export async function changeVm(
  db: Queryable,
  vmId: number,
  states: readonly VmState[],
  changes: VmChanges,
): Promise<boolean> {
  const changed = await db
    .updateTable('vm_instance')
    .set({ ...changes, updated: sql`now()` })
    .where('id', '=', vmId)
    .where('removed', 'is', null)
    .where('state', 'in', states)
    .executeTakeFirst();
  return changed.numUpdatedRows > 0n;
}

/** Makes the disk larger; it never becomes smaller. @param size bytes */
export async function growDisk(db: Queryable, vmId: number, size: number): Promise<void> {
  await db
    .updateTable('volumes')
    .set({ size: sql`greatest(size, ${size}::bigint)` })
    .where('vm_id', '=', vmId)
    .where('volume_type', '=', 'ROOT')
    .where('removed', 'is', null)
    .execute();
}

/** @returns false when the machine is not Destroyed any more */
export async function recoverVm(db: Queryable, vmId: number): Promise<boolean> {
  const recovered = await db
    .updateTable('vm_instance')
    .set({ state: 'Stopped', destroyed: null, updated: sql`now()` })
    .where('id', '=', vmId)
    .where('removed', 'is', null)
    .where('state', '=', 'Destroyed')
    .executeTakeFirst();
  return recovered.numUpdatedRows > 0n;
}
