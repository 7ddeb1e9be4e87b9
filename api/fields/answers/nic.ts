/** Network cards of virtual machines as the API shows them. */
import type { NicListRow } from '../../../db/vms/nics.ts';
import { GUEST_TYPES } from '../../../model/vms.ts';
import { boolean, forAdmins, list, oneOf, optional, type Shape, string } from '../response.ts';

export const NIC: Shape<NicListRow> = {
  id: string('the id', ({ uuid }) => uuid),
  virtualmachineid: string('the id of the machine', ({ vm_uuid }) => vm_uuid),
  networkid: string('the id of the network', ({ network_uuid }) => network_uuid),
  networkname: string('the name of the network', ({ network_name }) => network_name),
  type: oneOf(GUEST_TYPES, 'the type of the network: L2 or Shared', ({ guest_type }) => guest_type),
  traffictype: string('Guest', () => 'Guest'),
  isdefault: boolean('whether it is the default card', ({ default_nic }) => default_nic),
  deviceid: string('its number in the machine, from 0', ({ device_id }) => String(device_id)),
  macaddress: string('the MAC address', ({ mac_address }) => mac_address),
  ipaddress: optional.string('the IPv4 address, once it is known', ({ ip4_address }) => ip4_address),
  netmask: optional.string('the netmask of the network', ({ netmask }) => netmask),
  gateway: optional.string('the gateway of the network', ({ gateway }) => gateway),
  ip6address: optional.string('the IPv6 address, once it is known', ({ ip6_address }) => ip6_address),
  ip6gateway: optional.string('the IPv6 gateway of the network', ({ ip6_gateway }) => ip6_gateway),
  ip6cidr: optional.string('the IPv6 addresses of the network', ({ ip6_cidr }) => ip6_cidr),
  vlanid: forAdmins(optional.integer('the VLAN', ({ vlan }) => vlan)),
  secondaryip: list('further addresses: none', () => []),
  extradhcpoption: list('options for DHCP: none', () => []),
};
