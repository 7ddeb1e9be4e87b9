/** Network cards of machines as lists show them. */
import type { Queryable } from '../database.ts';
import type { Row } from '../tables.ts';

export type NicListRow = Row<'nics'> & {
  readonly vm_uuid: string;
  readonly network_uuid: string;
  readonly network_name: string;
  readonly guest_type: Row<'network_offerings'>['guest_type'];
  readonly netmask: string | null;
  readonly gateway: string | null;
  readonly ip6_gateway: string | null;
  readonly ip6_cidr: string | null;
  readonly vlan: number | null;
};

export interface NicQuery {
  readonly vmIds: readonly number[];
  readonly id?: string | undefined;
  readonly networkId?: string | undefined;
}

/** The default card of each machine first. */
export async function listNics(
  db: Queryable,
  { vmIds, id, networkId }: NicQuery,
): Promise<readonly NicListRow[]> {
  if (vmIds.length === 0) return [];
  let nics = db
    .selectFrom('nics')
    .innerJoin('vm_instance as vm', 'vm.id', 'nics.vm_id')
    .innerJoin('networks as network', 'network.id', 'nics.network_id')
    .innerJoin('network_offerings as offering', 'offering.id', 'network.network_offering_id')
    .where('nics.vm_id', 'in', vmIds)
    .where('nics.removed', 'is', null);
  if (id !== undefined) nics = nics.where('nics.uuid', '=', id);
  if (networkId !== undefined) nics = nics.where('network.uuid', '=', networkId);
  return nics
    .selectAll('nics')
    .select([
      'vm.uuid as vm_uuid',
      'network.uuid as network_uuid',
      'network.name as network_name',
      'offering.guest_type',
      'network.netmask',
      'network.gateway',
      'network.ip6_gateway',
      'network.ip6_cidr',
      'network.vlan',
    ])
    .orderBy('nics.vm_id')
    .orderBy('nics.default_nic', 'desc')
    .orderBy('nics.device_id')
    .execute();
}
