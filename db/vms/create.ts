/** Writes the rows of a new machine: itself, its disk and its network cards. */
import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import type { ProvisioningType } from '../../model/vms.ts';
import type { Queryable } from '../database.ts';
import type { NewRow } from '../tables.ts';

export interface NewNic {
  readonly networkId: number;
  /** Default: a random one. */
  readonly mac?: string | undefined;
  readonly ip4?: string | undefined;
  readonly ip6?: string | undefined;
}

export interface NewVolume {
  /** Bytes; 0 while the size of the image is not known. */
  readonly size: number;
  /** The image below the disk; null: the disk is empty. */
  readonly templateId: number | null;
  readonly diskOfferingId: number | null;
  readonly provisioning: ProvisioningType;
}

export interface NewVm {
  readonly row: Omit<NewRow<'vm_instance'>, 'instance_name' | 'instance_group_id' | 'uuid'> & {
    readonly uuid: string;
  };
  /** Name of its instance group, which is made when there is none of this name. */
  readonly group?: string | undefined;
  readonly volume: NewVolume;
  /** The first is the default one. */
  readonly nics: readonly NewNic[];
}

/**
 * Locks the account: of two calls at once, the second counts what the first has written. The same lock as of limits of
 * templates.
 */
export async function lockAccount(tx: Queryable, accountId: number): Promise<void> {
  await tx.selectFrom('account').where('id', '=', accountId).select('id').forNoKeyUpdate().execute();
}

/** Locks networks, so that names and addresses in them stay unique. */
export async function lockNetworks(tx: Queryable, networkIds: readonly number[]): Promise<void> {
  await tx
    .selectFrom('networks')
    .where('id', 'in', networkIds)
    .select('id')
    .orderBy('id')
    .forNoKeyUpdate()
    .execute();
}

/** @param tx a transaction: all of the rows are written, or none */
export async function insertVm(tx: Queryable, { row, group, volume, nics }: NewVm): Promise<void> {
  const { uuid, account_id, data_center_id } = row;
  const instance_group_id = group === undefined ? null : await groupNamed(tx, account_id, group);
  const { id } = await tx
    .insertInto('vm_instance')
    // The name of the domain needs the id, which the database gives. Its end tells it from those of other installations.
    .values({ ...row, instance_group_id, instance_name: uuid })
    .returning('id')
    .executeTakeFirstOrThrow();
  await tx
    .updateTable('vm_instance')
    .set({ instance_name: `i-${account_id}-${id}-${uuid.slice(0, 8)}` })
    .where('id', '=', id)
    .execute();
  await tx
    .insertInto('volumes')
    .values({
      name: `ROOT-${id}`,
      account_id,
      data_center_id,
      vm_id: id,
      template_id: volume.templateId,
      disk_offering_id: volume.diskOfferingId,
      size: volume.size,
      provisioning_type: volume.provisioning,
    })
    .execute();
  await tx
    .insertInto('nics')
    .values(
      nics.map(({ networkId, mac, ip4, ip6 }, at) => ({
        vm_id: id,
        network_id: networkId,
        device_id: at,
        default_nic: at === 0,
        mac_address: mac ?? newMac(),
        ip4_address: ip4 ?? null,
        ip6_address: ip6 ?? null,
        addresses_given: ip4 !== undefined || ip6 !== undefined,
      })),
    )
    .execute();
}

/** Unicast and locally administered, with 40 random bits: the index of `nics` refuses the rare second one. */
function newMac(): string {
  return [0x02, ...randomBytes(5)].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}

/** The instance group of this name of the account; made when there is none. @returns its id */
export async function groupNamed(tx: Queryable, accountId: number, name: string): Promise<number> {
  const { id } = await tx
    .insertInto('instance_group')
    .values({ account_id: accountId, name })
    .onConflict((conflict) =>
      conflict.columns(['account_id', 'name']).doUpdateSet({ name: sql`excluded.name` }),
    )
    .returning('id')
    .executeTakeFirstOrThrow();
  return id;
}

/** Whether a machine that is not expunged has this name in the network. */
export async function isNameTaken(
  db: Queryable,
  networkId: number,
  name: string,
  exceptVmId?: number,
): Promise<boolean> {
  const found = await db
    .selectFrom('nics')
    .innerJoin('vm_instance as vm', 'vm.id', 'nics.vm_id')
    .where('nics.network_id', '=', networkId)
    .where('nics.removed', 'is', null)
    .where('vm.removed', 'is', null)
    .where('vm.name', '=', name)
    .$if(exceptVmId !== undefined, (query) => query.where('vm.id', '!=', exceptVmId ?? 0))
    .select('vm.id')
    .executeTakeFirst();
  return found !== undefined;
}

/** Whether a card of a machine that is not expunged has this address in the network. */
export async function isAddressTaken(
  db: Queryable,
  networkId: number,
  column: 'ip4_address' | 'ip6_address',
  address: string,
): Promise<boolean> {
  const found = await db
    .selectFrom('nics')
    .where('network_id', '=', networkId)
    .where('removed', 'is', null)
    .where(column, '=', address)
    .select('id')
    .executeTakeFirst();
  return found !== undefined;
}

export async function isMacTaken(db: Queryable, mac: string): Promise<boolean> {
  const found = await db
    .selectFrom('nics')
    .where('mac_address', '=', mac)
    .where('removed', 'is', null)
    .select('id')
    .executeTakeFirst();
  return found !== undefined;
}
