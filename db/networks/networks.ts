/** Networks: a name in a zone for a network that hosts offer. A removed one stays for the machines that were in it. */
import { sql, type Updateable } from 'kysely';
import type { Queryable } from '../database.ts';
import { NotPossible } from '../errors.ts';
import type { NewRow, Row, Tables } from '../tables.ts';

export type Network = Row<'networks'>;
export type NewNetwork = Omit<NewRow<'networks'>, 'id' | 'uuid' | 'created' | 'removed'>;
/** What is undefined stays as it is. */
export type NetworkChanges = Pick<
  Updateable<Tables['networks']>,
  'name' | 'display_text' | 'network_domain' | 'network_offering_id' | 'host_network'
>;

/**
 * @returns the UUID
 * @throws NotPossible when its offering was removed meanwhile
 */
export async function createNetwork(tx: Queryable, network: NewNetwork): Promise<string> {
  const { uuid } = await tx
    .insertInto('networks')
    .values(network)
    .returning('uuid')
    .executeTakeFirstOrThrow();
  const offering = await tx
    .selectFrom('network_offerings')
    .where('id', '=', network.network_offering_id)
    .where('removed', 'is', null)
    .select('id')
    .forShare()
    .executeTakeFirst();
  if (offering === undefined) throw new NotPossible('its offering was removed');
  return uuid;
}

export async function updateNetwork(
  db: Queryable,
  networkId: number,
  changes: NetworkChanges,
): Promise<void> {
  if (Object.values(changes).every((value) => value === undefined)) return;
  await db.updateTable('networks').set(changes).where('id', '=', networkId).execute();
}

/** Another network of the zone with this VLAN on the same network of hosts. */
export const networkWithVlan = (
  db: Queryable,
  {
    zoneId,
    vlan,
    hostNetwork,
  }: { readonly zoneId: number; readonly vlan: number; readonly hostNetwork: string | null },
): Promise<{ readonly name: string } | undefined> =>
  db
    .selectFrom('networks')
    .where('data_center_id', '=', zoneId)
    .where('vlan', '=', vlan)
    .where(sql<boolean>`host_network is not distinct from ${hostNetwork}`)
    .where('removed', 'is', null)
    .select('name')
    .executeTakeFirst();

/** Removes a network unless virtual machines are in it. @returns the display names of those that are */
export async function removeNetwork(tx: Queryable, networkId: number): Promise<readonly string[]> {
  // A machine that is made meanwhile waits for this lock, and then finds no such network.
  await tx.selectFrom('networks').where('id', '=', networkId).select('id').forUpdate().execute();
  const machines = await tx
    .selectFrom('nics')
    .innerJoin('vm_instance as vm', 'vm.id', 'nics.vm_id')
    .where('nics.network_id', '=', networkId)
    .where('nics.removed', 'is', null)
    .where('vm.removed', 'is', null)
    .select('vm.display_name')
    .distinct()
    .orderBy('vm.display_name')
    .execute();
  if (machines.length === 0)
    await tx
      .updateTable('networks')
      .set({ removed: sql`now()` })
      .where('id', '=', networkId)
      .execute();
  return machines.map(({ display_name }) => display_name);
}

/** One that was not removed. */
export const findNetwork = (db: Queryable, uuid: string): Promise<Network | undefined> =>
  db
    .selectFrom('networks')
    .where('uuid', '=', uuid)
    .where('removed', 'is', null)
    .selectAll()
    .executeTakeFirst();

/** How many networks an account owns. */
export const networksOfAccount = async (db: Queryable, accountId: number): Promise<number> =>
  (
    await db
      .selectFrom('networks')
      .where('account_id', '=', accountId)
      .where('removed', 'is', null)
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow()
  ).count;
