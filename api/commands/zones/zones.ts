/** Shared by the commands that create, change and delete zones and clusters. */
import { isIP } from 'node:net';
import type { Occupants } from '../../../db/zones/zone-removal.ts';
import type { ZoneFacts } from '../../../db/zones/zones.ts';
import { apiCodes } from '../../../model/api-codes.ts';
import { ApiError, badParameter } from '../../server/errors.ts';
import { choice, flag, orNull, refused, text, type ParameterValues } from '../../fields/parameters.ts';

/** The parameters of createZone and updateZone. Bypass stores some that it does not use, since clients read them back. */
export const zoneParameters = {
  allocationstate: choice('Enabled, or Disabled: only administrators see it and register in it', [
    'Enabled',
    'Disabled',
  ]),
  demandallmirrors: flag('whether a registration demands that every URL can be reached'),
  localstorageenabled: flag('whether templates may be deployed to pools of single hosts'),
  dns1: text('a DNS server of the zone; kept for other clients'),
  dns2: text('another one; kept for other clients'),
  internaldns1: text('a DNS server of the hosts; kept for other clients'),
  internaldns2: text('another one; kept for other clients'),
  ip6dns1: text('a DNS server of the zone by IPv6; kept for other clients'),
  ip6dns2: text('another one; kept for other clients'),
  domain: text('the domain of networks; kept for other clients'),
  guestcidraddress: text('the CIDR of networks; kept for other clients'),
  securitygroupenabled: refused('zones have no security groups here', 'false'),
  isedge: refused('there are no edge zones here: hosts download for themselves everywhere', 'false'),
  dhcpprovider: refused('Bypass provides no networks'),
  dnssearchorder: refused('Bypass provides no networks'),
  storageaccessgroups: refused('pools have no access groups here'),
};

const ADDRESSES = ['dns1', 'dns2', 'internaldns1', 'internaldns2', 'ip6dns1', 'ip6dns2'] as const;

/** The columns of a zone. @throws ApiError 431 for a text that is no IP address or CIDR block */
export function zoneFacts(values: ParameterValues<typeof zoneParameters>): ZoneFacts {
  for (const name of ADDRESSES) {
    const given = values[name];
    if (given && isIP(given) !== (name.startsWith('ip6') ? 6 : 4))
      throw badParameter(name, `is '${given}'; give an address of IPv${name.startsWith('ip6') ? 6 : 4}.`);
  }
  if (values.guestcidraddress && !isCidr(values.guestcidraddress))
    throw badParameter(
      'guestcidraddress',
      `is '${values.guestcidraddress}'; give a CIDR such as 10.1.1.0/24.`,
    );
  return {
    allocation_state: values.allocationstate,
    demand_all_mirrors: values.demandallmirrors,
    is_local_storage_enabled: values.localstorageenabled,
    dns1: orNull(values.dns1),
    dns2: orNull(values.dns2),
    internal_dns1: orNull(values.internaldns1),
    internal_dns2: orNull(values.internaldns2),
    ip6_dns1: orNull(values.ip6dns1),
    ip6_dns2: orNull(values.ip6dns2),
    domain: orNull(values.domain),
    guest_network_cidr: orNull(values.guestcidraddress),
  };
}

function isCidr(cidr: string): boolean {
  const [address = '', bits = ''] = cidr.split('/');
  return isIP(address) === 4 && /^\d{1,2}$/.test(bits) && Number(bits) <= 32;
}

/** The parameters of addCluster and updateCluster. */
export const clusterParameters = {
  hypervisor: choice('the hypervisor: KVM', ['KVM']),
  clustertype: choice('the type: CloudManaged', ['CloudManaged']),
  allocationstate: choice('Enabled, or Disabled: its hosts get no new downloads', ['Enabled', 'Disabled']),
  podid: refused('each cluster is in a pod of its own, of the same name'),
  url: refused(
    'clusters of other hypervisors are none of Bypass; a KVM host joins by itself, see createHostInvite',
  ),
  username: refused('hosts join by themselves, see createHostInvite'),
  password: refused('hosts join by themselves, see createHostInvite'),
  arch: refused('clusters have no architecture; templates have'),
};

/** The end of an event's sentence when a change renames something; empty when it does not. */
export const renamed = (before: string, after: string): string =>
  before === after ? '' : `; its name is '${after}' now`;

const MAX_NAMES = 10;

/** @param what such as `Zone 'paris'` */
export function stillOccupied(what: string, occupants: Occupants): ApiError {
  const found = Object.entries(occupants)
    .filter(([, names]) => names.length > 0)
    .map(([kind, names]) => {
      const more = names.length > MAX_NAMES ? ` and ${names.length - MAX_NAMES} more` : '';
      return `${kind} ${names.slice(0, MAX_NAMES).join(', ')}${more}`;
    });
  return new ApiError(apiCodes.inUse, `${what} is not empty; remove first: ${found.join('; ')}.`);
}
