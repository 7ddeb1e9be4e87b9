/** Zones, clusters and guest operating systems as the API shows them. */
import type { ClusterListRow } from '../../../db/zones/listing.ts';
import type { Row } from '../../../db/tables.ts';
import { boolean, date, forAdmins, list, optional, type Shape, string } from '../response.ts';
import { stableUuid } from '../stable-uuid.ts';

export const ZONE: Shape<Row<'data_center'>> = {
  id: string('the id', ({ uuid }) => uuid),
  name: string('the name', ({ name }) => name),
  allocationstate: string('Enabled or Disabled', (row) => row.allocation_state),
  networktype: string('the type of its network', ({ networktype }) => networktype),
  localstorageenabled: boolean(
    'whether templates may be deployed to pools of single hosts',
    (row) => row.is_local_storage_enabled,
  ),
  dns1: optional.string('a DNS server of the zone', ({ dns1 }) => dns1),
  dns2: optional.string('another one', ({ dns2 }) => dns2),
  internaldns1: forAdmins(optional.string('a DNS server of the hosts', (row) => row.internal_dns1)),
  internaldns2: forAdmins(optional.string('another one', (row) => row.internal_dns2)),
  ip6dns1: optional.string('a DNS server of the zone by IPv6', (row) => row.ip6_dns1),
  ip6dns2: optional.string('another one', (row) => row.ip6_dns2),
  domain: optional.string('the domain of networks', ({ domain }) => domain),
  guestcidraddress: optional.string('the CIDR of networks', (row) => row.guest_network_cidr),
  securitygroupsenabled: boolean('whether it has security groups', () => false),
  type: string('the type', () => 'Core'),
  demandallmirrors: forAdmins(
    boolean('whether a registration demands that every URL can be reached', (row) => row.demand_all_mirrors),
  ),
  created: forAdmins(date('when it was made', ({ created }) => created)),
};

export const CLUSTER: Shape<ClusterListRow> = {
  id: string('the id', ({ uuid }) => uuid),
  name: string('the name', ({ name }) => name),
  zoneid: string('the id of its zone', ({ zone_uuid }) => zone_uuid),
  zonename: string('the name of its zone', ({ zone_name }) => zone_name),
  hypervisortype: string('the hypervisor', ({ hypervisor_type }) => hypervisor_type),
  podid: string('the id of its pod', ({ uuid }) => podId(uuid)),
  podname: string('the name of its pod', ({ name }) => name),
  clustertype: string('the type', () => 'CloudManaged'),
  allocationstate: string('Enabled or Disabled', (row) => row.allocation_state),
  managedstate: string('whether it is managed', () => 'Managed'),
  created: date('when it was made', ({ created }) => created),
};

/** A category has no row of its own; its id comes from its name. */
export const categoryId = (category: string): string => stableUuid('guest os category', category);

export const OS_TYPE: Shape<Row<'guest_os'>> = {
  id: string('the id', ({ uuid }) => uuid),
  description: string('the name', ({ display_name }) => display_name),
  name: string('the name', ({ display_name }) => display_name),
  oscategoryid: string('the id of its category', ({ category }) => categoryId(category)),
  oscategoryname: string('the name of its category', ({ category }) => category),
  isuserdefined: boolean('whether an operator added it', () => false),
};

export const OS_CATEGORY: Shape<{ readonly name: string }> = {
  id: string('the id', ({ name }) => categoryId(name)),
  name: string('the name', ({ name }) => name),
};

/** A pod has no row of its own: each cluster is in one. */
export const podId = (clusterUuid: string): string => stableUuid('pod', clusterUuid);

export const POD: Shape<ClusterListRow> = {
  id: string('the id', ({ uuid }) => podId(uuid)),
  name: string('the name', ({ name }) => name),
  zoneid: string('the id of its zone', ({ zone_uuid }) => zone_uuid),
  zonename: string('the name of its zone', ({ zone_name }) => zone_name),
  allocationstate: string('Enabled or Disabled', (row) => row.allocation_state),
  startip: list('one empty text: pods have no addresses here', () => ['']),
  endip: list('one empty text: pods have no addresses here', () => ['']),
  vlanid: list('one empty text: pods have no networks here', () => ['']),
  forsystemvms: list('one 0: there are no system VMs here', () => ['0']),
};
