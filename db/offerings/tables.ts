/** Row types of service offerings and disk offerings. */
import type { Generated } from 'kysely';
import type { DefaultJson, Id, NullableTime, Time } from '../columns.ts';
import type { CacheMode, ProvisioningType, StorageType } from '../../model/vms.ts';

/** Inactive: only administrators see it, and nothing new is deployed from it. */
export const OFFERING_STATES = ['Active', 'Inactive'] as const;
type OfferingState = (typeof OFFERING_STATES)[number];

export interface ServiceOfferingTable {
  id: Id;
  uuid: Generated<string>;
  name: string;
  display_text: string;
  /** Null where the user chooses. */
  cpu: number | null;
  /** MHz. */
  speed: number | null;
  /** Megabytes. */
  ram_size: number | null;
  customized: Generated<boolean>;
  min_cpu: number | null;
  max_cpu: number | null;
  min_memory: number | null;
  max_memory: number | null;
  storage_type: Generated<StorageType>;
  provisioning_type: Generated<ProvisioningType>;
  cache_mode: Generated<CacheMode>;
  storage_tags: Generated<string[]>;
  host_tags: Generated<string[]>;
  /** Gigabytes; null: the size of the image. */
  root_disk_size: number | null;
  /** Megabits per second; null: no limit. */
  network_rate: number | null;
  limit_cpu_use: Generated<boolean>;
  offer_ha: Generated<boolean>;
  is_volatile: Generated<boolean>;
  dynamic_scaling_enabled: Generated<boolean>;
  disk_offering_strictness: Generated<boolean>;
  deployment_planner: string | null;
  state: Generated<OfferingState>;
  sort_key: Generated<number>;
  details: DefaultJson<Readonly<Record<string, string>>>;
  created: Time;
  removed: NullableTime;
}

export interface ServiceOfferingZoneTable {
  service_offering_id: number;
  zone_id: number;
}

export interface DiskOfferingTable {
  id: Id;
  uuid: Generated<string>;
  name: string;
  display_text: string;
  /** Gigabytes; null: the user gives the size. */
  disk_size: number | null;
  storage_type: Generated<StorageType>;
  provisioning_type: Generated<ProvisioningType>;
  cache_mode: Generated<CacheMode>;
  tags: Generated<string[]>;
  disk_size_strictness: Generated<boolean>;
  display_offering: Generated<boolean>;
  state: Generated<OfferingState>;
  sort_key: Generated<number>;
  created: Time;
  removed: NullableTime;
}
