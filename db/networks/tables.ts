/** Row types of networks and network offerings. */
import type { Generated } from 'kysely';
import type { DefaultJson, Id, NullableTime, Time } from '../columns.ts';
import type { AclType, GuestType } from '../../model/vms.ts';

/** A service of a network offering, as a client named it: Bypass provides none. */
export interface NetworkService {
  readonly name: string;
  readonly provider?: string;
}

export interface NetworkOfferingTable {
  id: Id;
  uuid: Generated<string>;
  name: string;
  display_text: string;
  guest_type: GuestType;
  traffic_type: Generated<string>;
  state: Generated<'Enabled' | 'Disabled'>;
  availability: Generated<'Optional' | 'Required'>;
  specify_vlan: Generated<boolean>;
  specify_ip_ranges: Generated<boolean>;
  conserve_mode: Generated<boolean>;
  is_persistent: Generated<boolean>;
  is_default: Generated<boolean>;
  egress_default_policy: Generated<boolean>;
  network_rate: number | null;
  max_connections: number | null;
  tags: string | null;
  services: DefaultJson<readonly NetworkService[]>;
  details: DefaultJson<Readonly<Record<string, string>>>;
  sort_key: Generated<number>;
  created: Time;
  removed: NullableTime;
}

export interface NetworkTagTable {
  id: Id;
  uuid: Generated<string>;
  network_id: number;
  key: string;
  value: string;
  created: Time;
}

export interface NetworkTable {
  id: Id;
  uuid: Generated<string>;
  name: string;
  display_text: string;
  network_offering_id: number;
  data_center_id: number;
  account_id: number;
  /** The name by which hosts offer it; null: the zone's setting `vm.network.default`. */
  host_network: string | null;
  vlan: number | null;
  gateway: string | null;
  netmask: string | null;
  cidr: string | null;
  start_ip: string | null;
  end_ip: string | null;
  ip6_gateway: string | null;
  ip6_cidr: string | null;
  network_domain: string | null;
  acl_type: Generated<AclType>;
  created: Time;
  removed: NullableTime;
}
