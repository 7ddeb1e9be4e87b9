/** Networks and network offerings as the API shows them. */
import type { NetworkListRow } from '../../../db/networks/listing.ts';
import type { NetworkService } from '../../../db/networks/tables.ts';
import type { Row } from '../../../db/tables.ts';
import { boolean, date, forAdmins, listOf, optional, type Shape, string } from '../response.ts';
import { IN_DOMAIN } from './domain.ts';
import { RESOURCE_TAG } from './resource-tag.ts';

const PROVIDER: Shape<{ readonly name: string }> = {
  name: string('the name', ({ name }) => name),
};

export const NETWORK_SERVICE: Shape<NetworkService> = {
  name: string('the name', ({ name }) => name),
  provider: listOf(PROVIDER, 'who was named for it; Bypass provides no services', ({ provider }) =>
    provider === undefined ? [] : [{ name: provider }],
  ),
};

/** The detail of an offering that holds the internet protocol, as clients read it back. */
export const INTERNET_PROTOCOL = 'internetProtocol';

export const NETWORK_OFFERING: Shape<Row<'network_offerings'>> = {
  id: string('the id', ({ uuid }) => uuid),
  name: string('the name', ({ name }) => name),
  displaytext: string('the description', ({ display_text }) => display_text),
  guestiptype: string('L2 or Shared', ({ guest_type }) => guest_type),
  traffictype: string('Guest', ({ traffic_type }) => traffic_type),
  state: string('Enabled or Disabled', ({ state }) => state),
  availability: string('Optional or Required', ({ availability }) => availability),
  specifyvlan: boolean('whether its networks may name a VLAN', ({ specify_vlan }) => specify_vlan),
  specifyipranges: boolean('whether its networks may name addresses', (row) => row.specify_ip_ranges),
  conservemode: boolean('whether addresses may have several services', (row) => row.conserve_mode),
  ispersistent: boolean('whether its networks exist without machines', (row) => row.is_persistent),
  isdefault: boolean('whether Bypass came with it', ({ is_default }) => is_default),
  egressdefaultpolicy: boolean('as given: there is no firewall', (row) => row.egress_default_policy),
  forvpc: boolean('false: there are no VPCs', () => false),
  networkrate: optional.integer('megabits per second; absent: no limit', ({ network_rate }) => network_rate),
  maxconnections: optional.integer('connections at most, as given', (row) => row.max_connections),
  internetprotocol: string(
    'IPv4 or DualStack, as given',
    ({ details }) => details[INTERNET_PROTOCOL] ?? 'IPv4',
  ),
  tags: optional.string('the tags, as given', ({ tags }) => tags),
  service: listOf(NETWORK_SERVICE, 'the services, as given; Bypass provides none', (row) => row.services),
  details: optional.map('the details', ({ details }) =>
    Object.keys(details).length === 0 ? undefined : details,
  ),
  created: date('when it was made', ({ created }) => created),
};

export const NETWORK: Shape<NetworkListRow> = {
  id: string('the id', ({ uuid }) => uuid),
  name: string('the name', ({ name }) => name),
  displaytext: string('the description', ({ display_text }) => display_text),
  type: string('L2 or Shared', ({ guest_type }) => guest_type),
  state: string('Setup: it is there', () => 'Setup'),
  traffictype: string('Guest', () => 'Guest'),
  broadcastdomaintype: string('Vlan, or Native without one', ({ vlan }) =>
    vlan === null ? 'Native' : 'Vlan',
  ),
  broadcasturi: forAdmins(
    string('its VLAN, such as vlan://100', ({ vlan }) => `vlan://${vlan ?? 'untagged'}`),
  ),
  vlan: forAdmins(
    optional.string('the number of its VLAN; absent: none', ({ vlan }) =>
      vlan === null ? undefined : String(vlan),
    ),
  ),
  hostnetwork: forAdmins(
    optional.string(
      'the name by which hosts offer it; absent: that of the setting vm.network.default',
      ({ host_network }) => host_network,
    ),
  ),
  zoneid: string('the id of its zone', ({ zone_uuid }) => zone_uuid),
  zonename: string('the name of its zone', ({ zone_name }) => zone_name),
  networkofferingid: string('the id of its offering', ({ offering_uuid }) => offering_uuid),
  networkofferingname: string('the name of its offering', ({ offering_name }) => offering_name),
  networkofferingdisplaytext: string('the description of its offering', (row) => row.offering_text),
  networkofferingavailability: string('Optional or Required', ({ availability }) => availability),
  networkofferingconservemode: boolean(
    'whether addresses may have several services',
    ({ conserve_mode }) => conserve_mode,
  ),
  gateway: optional.string('the gateway', ({ gateway }) => gateway),
  netmask: optional.string('the netmask', ({ netmask }) => netmask),
  cidr: optional.string('the block of its addresses', ({ cidr }) => cidr),
  startip: optional.string('the first address for machines, as given', ({ start_ip }) => start_ip),
  endip: optional.string('the last one', ({ end_ip }) => end_ip),
  ip6gateway: optional.string('the gateway by IPv6', ({ ip6_gateway }) => ip6_gateway),
  ip6cidr: optional.string('the block of its IPv6 addresses', ({ ip6_cidr }) => ip6_cidr),
  networkdomain: optional.string('the domain of the names in it', ({ network_domain }) => network_domain),
  dns1: optional.string('a DNS server, that of the zone', ({ zone_dns1 }) => zone_dns1),
  dns2: optional.string('another one', ({ zone_dns2 }) => zone_dns2),
  acltype: string('Account: for its account; Domain: for everybody', ({ acl_type }) => acl_type),
  account: string('the account that owns it', ({ account_name }) => account_name),
  ...IN_DOMAIN,
  related: string('its own id', ({ uuid }) => uuid),
  canusefordeploy: boolean('true: machines can be in it', () => true),
  ispersistent: boolean('whether it exists without machines', ({ is_persistent }) => is_persistent),
  isdefault: boolean('false: every network was made by somebody', () => false),
  issystem: boolean('false: there are no system networks', () => false),
  displaynetwork: boolean('true: everybody who may use it sees it', () => true),
  restartrequired: boolean('false: a network is only a name for one of hosts', () => false),
  redundantrouter: boolean('false: there are no routers', () => false),
  strechedl2subnet: boolean('false: a network is in one zone', () => false),
  specifyvlan: boolean('whether its offering lets it name a VLAN', ({ specify_vlan }) => specify_vlan),
  specifyipranges: boolean('whether its offering lets it name addresses', (row) => row.specify_ip_ranges),
  service: listOf(NETWORK_SERVICE, 'the services of its offering', ({ services }) => services),
  tags: listOf(RESOURCE_TAG, 'its tags', ({ tags, uuid, account_name }) =>
    tags.map((tag) => ({ ...tag, type: 'Network', resource_uuid: uuid, account_name })),
  ),
  created: date('when it was made', ({ created }) => created),
};
