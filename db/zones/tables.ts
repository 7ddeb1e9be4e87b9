/** Row types of zones, clusters and settings. */
import type { Generated } from 'kysely';
import type { Id, NullableTime, Time } from '../columns.ts';

export type AllocationState = 'Enabled' | 'Disabled';

export interface DataCenterTable {
  id: Id;
  uuid: Generated<string>;
  name: string;
  demand_all_mirrors: Generated<boolean>;
  allocation_state: Generated<AllocationState>;
  networktype: Generated<'Basic' | 'Advanced'>;
  /** Whether templates may be deployed to pools of scope HOST. */
  is_local_storage_enabled: Generated<boolean>;
  dns1: string | null;
  dns2: string | null;
  internal_dns1: string | null;
  internal_dns2: string | null;
  ip6_dns1: string | null;
  ip6_dns2: string | null;
  domain: string | null;
  guest_network_cidr: string | null;
  /** When a sweep looked at it last. */
  swept: NullableTime;
  created: Time;
  removed: NullableTime;
}

export interface ConfigurationTable {
  name: string;
  value: string;
  updated: Time;
}

/** Settings of a zone. */
export interface DataCenterDetailsTable {
  id: Id;
  data_center_id: number;
  name: string;
  value: string;
}

export interface ClusterTable {
  id: Id;
  uuid: Generated<string>;
  name: string;
  data_center_id: number;
  hypervisor_type: Generated<string>;
  allocation_state: Generated<AllocationState>;
  created: Time;
  removed: NullableTime;
}
