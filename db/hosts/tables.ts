/** Row types of hosts, their invites, and protected endpoints. */
import type { ColumnType, Generated } from 'kysely';
import type { HeldCertificate } from '../../model/certificate.ts';
import type { HostCapabilities } from '../../model/payloads.ts';
import type { PeerReport } from '../../model/spread.ts';
import type { ResourceState } from '../../model/states.ts';
import type { HypervisorReport } from '../../model/vms.ts';
import type { Id, Json, NullableJson, NullableTime, Time } from '../columns.ts';

export interface HostInviteTable {
  uuid: string;
  secret_hash: string;
  /** Null: the invite is valid for any zone. */
  data_center_id: number | null;
  created: Time;
  expires: Time;
  used_by: string | null;
}

/** A domain on a host that should not have it. */
export interface StrayDomainTable {
  vm_uuid: string;
  host_id: number;
}

export interface HostTable {
  id: Id;
  uuid: string;
  name: string;
  private_ip_address: Generated<string>;
  data_center_id: number;
  cluster_id: number;
  hypervisor_type: Generated<string>;
  resource_state: ResourceState;
  host_tags: Generated<string[]>;
  signing_key: string;
  sealing_key: string;
  version: Generated<string>;
  reported: NullableTime;
  report_requested: NullableTime;
  capabilities: ColumnType<HostCapabilities | null, string | null | undefined, string | null>;
  programs: Json<{ name: string; version?: string; purpose: string }[]>;
  /** Parts of the host's configuration that it cannot use, as sentences. */
  problems: ColumnType<readonly string[], string | undefined, string>;
  /** Concurrent downloads; null: the host's own setting. */
  download_limit: number | null;
  /** Bytes per second, 0 for no limit; null: the host's own setting. */
  rate_limit: number | null;
  /** Grows with each change of the two limits. */
  limits_revision: Generated<number>;
  /** The limits in force, as the host reported them; null until it has. */
  current_download_limit: number | null;
  current_rate_limit: number | null;
  /** Content of the keystore, as the host last read it back. */
  keystore: ColumnType<readonly HeldCertificate[], string | undefined, string>;
  /** Null: it reports none. */
  hypervisor: ColumnType<HypervisorReport | null, string | null | undefined, string | null>;
  /** Null: it serves no copies to others. */
  peer: NullableJson<PeerReport>;
  domains_reported: NullableTime;
  worker_heartbeat: Generated<string>;
  last_seen: NullableTime;
  /** Time of the last join request, by the host's clock. */
  joined_at: NullableTime;
  joined_run: string | null;
  created: Time;
}

export interface ProtectedEndpointTable {
  /** Identifies the process that published the endpoint, until it ends. */
  process: string;
  /** `host:port`. */
  endpoint: string;
  seen: Time;
}
