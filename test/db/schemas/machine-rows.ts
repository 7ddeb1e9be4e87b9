/** Rows of virtual machines, and of what they are made from, in a database whose schema is recorded. */
import type { Database } from '../../../db/database.ts';

export interface MachineRowIds {
  readonly account: number;
  readonly user: number;
  readonly zone: number;
  readonly template: number;
  readonly host: number;
  /** Its uuid. */
  readonly pool: string;
}

export async function addMachineRows(db: Database, ids: MachineRowIds): Promise<void> {
  const { id: vm } = await db
    .insertInto('vm_instance')
    .values({
      name: 'web1',
      display_name: 'web1',
      instance_name: 'i-1-1-VM',
      account_id: ids.account,
      user_id: ids.user,
      data_center_id: ids.zone,
      host_id: ids.host,
      service_offering_id: await addOffering(db, ids),
      cpu: 1,
      speed: 500,
      ram_size: 512,
      template_id: ids.template,
      state: 'Running',
      power_state: 'PowerOn',
      ...(await addBelongings(db, ids)),
      vnc_password_sealed: 'sealed',
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  await addDisk(db, vm, ids);
  await addCard(db, vm, ids);
  await db.insertInto('vm_tag').values({ vm_id: vm, key: 'role', value: 'web' }).execute();
}

async function addOffering(db: Database, { zone }: MachineRowIds): Promise<number> {
  const { id } = await db
    .selectFrom('service_offering')
    .select('id')
    .orderBy('id')
    .limit(1)
    .executeTakeFirstOrThrow();
  await db.insertInto('service_offering_zone').values({ service_offering_id: id, zone_id: zone }).execute();
  return id;
}

/** What the owner of a machine has registered for it. */
async function addBelongings(db: Database, { account }: MachineRowIds) {
  const ofAccount = { account_id: account, name: 'web' };
  await db
    .insertInto('ssh_keypair')
    .values({ ...ofAccount, public_key: 'ssh-ed25519 AAAA', fingerprint: '00:11' })
    .execute();
  const userData = await db
    .insertInto('user_data')
    .values({ ...ofAccount, user_data_sealed: 'sealed' })
    .returning('id')
    .executeTakeFirstOrThrow();
  const group = await db
    .insertInto('instance_group')
    .values(ofAccount)
    .returning('id')
    .executeTakeFirstOrThrow();
  return { user_data_id: userData.id, instance_group_id: group.id, keypair_names: ['web'] };
}

async function addDisk(
  db: Database,
  vm: number,
  { account, zone, template, pool }: MachineRowIds,
): Promise<void> {
  await db
    .insertInto('volumes')
    .values((eb) => ({
      name: 'ROOT-1',
      account_id: account,
      data_center_id: zone,
      vm_id: vm,
      pool_id: eb.selectFrom('storage_pool').where('uuid', '=', pool).select('id'),
      template_id: template,
      size: 600,
      state: 'Ready' as const,
    }))
    .execute();
}

async function addCard(db: Database, vm: number, { account, zone }: MachineRowIds): Promise<void> {
  const network = await db
    .insertInto('networks')
    .values((eb) => ({
      name: 'lan',
      display_text: 'lan',
      network_offering_id: eb
        .selectFrom('network_offerings')
        .where('name', '=', 'DefaultL2NetworkOffering')
        .select('id'),
      data_center_id: zone,
      account_id: account,
      host_network: 'lan',
    }))
    .returning('id')
    .executeTakeFirstOrThrow();
  await db.insertInto('network_tag').values({ network_id: network.id, key: 'use', value: 'web' }).execute();
  await db
    .insertInto('nics')
    .values({
      vm_id: vm,
      network_id: network.id,
      device_id: 0,
      default_nic: true,
      mac_address: '02:00:00:00:00:01',
    })
    .execute();
}
