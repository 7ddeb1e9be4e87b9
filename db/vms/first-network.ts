/** The networks that a machine may be in, and the first one of a zone: it is made with the first machine. */
import { NotPossible } from '../errors.ts';
import { createNetwork, findNetwork, type Network } from '../networks/networks.ts';
import type { Queryable } from '../database.ts';

/** The networks of a zone that an account may use: its own, and those that are for everybody. */
export const usableNetworks = (
  db: Queryable,
  zoneId: number,
  accountId: number,
): Promise<readonly Network[]> =>
  db
    .selectFrom('networks')
    .where('data_center_id', '=', zoneId)
    .where('removed', 'is', null)
    .where((eb) => eb.or([eb('acl_type', '=', 'Domain'), eb('account_id', '=', accountId)]))
    .selectAll()
    .orderBy('id')
    .execute();

export async function hasNetwork(db: Queryable, zoneId: number): Promise<boolean> {
  const found = await db
    .selectFrom('networks')
    .where('data_center_id', '=', zoneId)
    .where('removed', 'is', null)
    .select('id')
    .executeTakeFirst();
  return found !== undefined;
}

const OFFERING = 'DefaultL2NetworkOffering';

/**
 * A network of the zone for everybody, on the network of hosts that the setting of the zone names. Of two calls at once, the
 * second gets the network of the first.
 * @throws NotPossible when the offering or every administrator is gone
 */
export async function firstNetwork(tx: Queryable, zoneId: number): Promise<Network> {
  await tx.selectFrom('data_center').where('id', '=', zoneId).select('id').forNoKeyUpdate().execute();
  const known = await tx
    .selectFrom('networks')
    .where('data_center_id', '=', zoneId)
    .where('removed', 'is', null)
    .selectAll()
    .orderBy('id')
    .executeTakeFirst();
  if (known !== undefined) return known;
  const offering = await tx
    .selectFrom('network_offerings')
    .where('name', '=', OFFERING)
    .where('removed', 'is', null)
    .select('id')
    .executeTakeFirst();
  const account = await tx
    .selectFrom('account')
    .where('role', '=', 'admin')
    .where('removed', 'is', null)
    .select('id')
    .orderBy('id')
    .executeTakeFirst();
  if (offering === undefined || account === undefined)
    throw new NotPossible('The zone has no network, and none can be made; createNetwork makes one');
  const uuid = await createNetwork(tx, {
    name: 'guest',
    display_text: 'Made with the first virtual machine',
    network_offering_id: offering.id,
    data_center_id: zoneId,
    account_id: account.id,
    acl_type: 'Domain',
  });
  const made = await findNetwork(tx, uuid);
  if (made === undefined) throw new NotPossible('The network was removed again');
  return made;
}
