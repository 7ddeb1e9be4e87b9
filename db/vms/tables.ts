/** Row types of virtual machines, their disks, network cards and tags. */
import type { Generated } from 'kysely';
import type { DefaultJson, Id, NullableTime, Time } from '../columns.ts';
import type {
  BootMode,
  BootType,
  PowerState,
  ProvisioningType,
  VmPhase,
  VmState,
  VolumeState,
  VolumeType,
} from '../../model/vms.ts';

export interface VmInstanceTable {
  id: Id;
  uuid: Generated<string>;
  name: string;
  display_name: string;
  /** The name of the domain: `i-<account>-<vm>-<begin of its uuid>`. */
  instance_name: string;
  account_id: number;
  user_id: number;
  data_center_id: number;
  /** The host on which the domain is, or may be, defined; null: no host has it. */
  host_id: number | null;
  /** Grows with each start. */
  generation: Generated<number>;
  last_host_id: number | null;
  wanted_host_id: number | null;
  wanted_cluster_id: number | null;
  service_offering_id: number;
  cpu: number;
  /** MHz. */
  speed: Generated<number>;
  /** Megabytes. */
  ram_size: number;
  /** The template or ISO that it was deployed from. */
  template_id: number;
  /** The attached ISO. */
  iso_id: number | null;
  guest_os_id: number | null;
  state: Generated<VmState>;
  power_state: Generated<PowerState>;
  power_reason: string | null;
  power_state_updated: NullableTime;
  /** What a deployment or start is doing; null when nothing is under way. */
  phase: VmPhase | null;
  /** Why it waits, or why it failed. */
  error_str: string | null;
  error_kind: string | null;
  boot_type: Generated<BootType>;
  boot_mode: Generated<BootMode>;
  user_data_sealed: string | null;
  user_data_id: number | null;
  /** JSON: the values of the variables of the user data. */
  user_data_details_sealed: string | null;
  vnc_password_sealed: string | null;
  keypair_names: Generated<string[]>;
  public_keys: Generated<string[]>;
  instance_group_id: number | null;
  seed_id: Generated<string>;
  details: DefaultJson<Readonly<Record<string, string>>>;
  ha_enabled: Generated<boolean>;
  display_vm: Generated<boolean>;
  delete_protection: Generated<boolean>;
  dynamically_scalable: Generated<boolean>;
  created: Time;
  updated: Time;
  destroyed: NullableTime;
  removed: NullableTime;
}

export interface VolumeTable {
  id: Id;
  /** The name of its file in the pool. */
  uuid: Generated<string>;
  name: string;
  account_id: number;
  data_center_id: number;
  vm_id: number | null;
  volume_type: Generated<VolumeType>;
  device_id: Generated<number>;
  pool_id: number | null;
  /** The image below an overlay; null for an empty disk. */
  template_id: number | null;
  disk_offering_id: number | null;
  /** Bytes that the guest sees. */
  size: number;
  physical_size: Generated<number>;
  provisioning_type: Generated<ProvisioningType>;
  state: Generated<VolumeState>;
  created: Time;
  removed: NullableTime;
}

export interface NicTable {
  id: Id;
  uuid: Generated<string>;
  vm_id: number;
  network_id: number;
  device_id: number;
  default_nic: Generated<boolean>;
  mac_address: string;
  ip4_address: string | null;
  ip6_address: string | null;
  /** The user gave the addresses: the guest is configured with them, and no report changes them. */
  addresses_given: Generated<boolean>;
  created: Time;
  removed: NullableTime;
}

export interface VmTagTable {
  id: Id;
  uuid: Generated<string>;
  vm_id: number;
  key: string;
  value: string;
  created: Time;
}
