/** Row types of every table, as the migrations make them. `bigint` columns arrive as numbers (sizes stay below 2^53). */
import type { ColumnType, Generated, Insertable, Selectable } from 'kysely';
import type {
  CopyState,
  DownloadState,
  PoolScope,
  PoolType,
  ResourceState,
  TemplateFormat,
  TemplateState,
} from '../model/states.ts';
import type { ImageEvidence } from '../model/evidence.ts';
import type { HeldCertificate } from '../model/certificate.ts';
import type { Compression } from '../model/source.ts';

type Id = Generated<number>;
type Time = ColumnType<Date, Date | string | undefined, Date | string>;
type NullableTime = ColumnType<Date | null, Date | string | null | undefined, Date | string | null>;
type Json<T> = ColumnType<T, string, string>;
/** `evidenceRow` makes it. */
type Evidence = ColumnType<ImageEvidence | null, string | null | undefined, string | null>;

interface AccountTable {
  id: Id;
  uuid: Generated<string>;
  account_name: string;
  role: 'admin' | 'user';
  /** Templates and ISOs that it may have; null for any number. */
  template_limit: number | null;
  created: Time;
  removed: NullableTime;
}

interface UserTable {
  id: Id;
  uuid: Generated<string>;
  account_id: number;
  username: string;
  password_hash: string | null;
  /** SHA-256 of the key, hex. */
  api_key_hash: string | null;
  secret_key_sealed: string | null;
  created: Time;
  removed: NullableTime;
}

interface LaunchPermissionTable {
  template_id: number;
  account_id: number;
  created: Time;
}

interface ResourceTagTable {
  id: Id;
  uuid: Generated<string>;
  template_id: number;
  key: string;
  value: string;
  created: Time;
}

interface SessionTable {
  id: Id;
  token_hash: string;
  key_hash: string;
  user_id: number;
  created: Time;
  last_used: Time;
}

interface DataCenterTable {
  id: Id;
  uuid: Generated<string>;
  name: string;
  demand_all_mirrors: Generated<boolean>;
  created: Time;
  removed: NullableTime;
}

interface ConfigurationTable {
  name: string;
  value: string;
  updated: Time;
}

/** What a zone sets for itself. */
interface DataCenterDetailsTable {
  id: Id;
  data_center_id: number;
  name: string;
  value: string;
}

interface ClusterTable {
  id: Id;
  uuid: Generated<string>;
  name: string;
  data_center_id: number;
  hypervisor_type: Generated<string>;
  created: Time;
  removed: NullableTime;
}

interface HostInviteTable {
  uuid: string;
  secret_hash: string;
  /** Null: good for any zone. */
  data_center_id: number | null;
  created: Time;
  expires: Time;
  used_by: string | null;
}

interface HostTable {
  id: Id;
  uuid: string;
  name: string;
  private_ip_address: Generated<string>;
  data_center_id: number;
  cluster_id: number;
  hypervisor_type: Generated<string>;
  resource_state: ResourceState;
  signing_key: string;
  sealing_key: string;
  version: Generated<string>;
  programs: Json<{ name: string; version?: string; purpose: string }[]>;
  /** What of its configuration could not be used, as sentences. */
  problems: ColumnType<readonly string[], string | undefined, string>;
  /** Downloads at once; null: the host's own setting. */
  download_limit: number | null;
  /** Bytes per second, 0 for no limit; null: the host's own setting. */
  rate_limit: number | null;
  /** Grows with each change of the two. */
  limits_revision: Generated<number>;
  /** What the host said is in force; null before it did. */
  current_download_limit: number | null;
  current_rate_limit: number | null;
  /** What it read back from its keystore last. */
  keystore: ColumnType<readonly HeldCertificate[], string | undefined, string>;
  worker_heartbeat: Generated<string>;
  last_seen: NullableTime;
  /** By the host's clock. */
  joined_at: NullableTime;
  joined_run: string | null;
  created: Time;
}

interface StoragePoolTable {
  id: Id;
  uuid: string;
  name: string;
  pool_type: PoolType;
  scope: PoolScope;
  data_center_id: number;
  cluster_id: number | null;
  state: Generated<'Up' | 'Disabled' | 'Maintenance'>;
  tags: Generated<string[]>;
  capacity_bytes: Generated<number>;
  free_bytes: Generated<number>;
  /** What lay there of unfinished downloads when `free_bytes` was reported: copy uuid → bytes. */
  parts: ColumnType<Readonly<Record<string, number>>, string | undefined, string>;
  reported: NullableTime;
  created: Time;
}

interface StoragePoolHostRefTable {
  id: Id;
  pool_id: number;
  host_id: number;
  local_path: string;
  mounted: boolean;
  problem: string | null;
  created: Time;
  last_updated: Time;
}

interface GuestOsTable {
  id: Id;
  uuid: Generated<string>;
  category: string;
  display_name: string;
}

interface VmTemplateTable {
  id: Id;
  uuid: string;
  unique_name: string;
  name: string;
  display_text: string;
  public: boolean;
  featured: boolean;
  extractable: boolean;
  bootable: boolean;
  hvm: boolean;
  bits: number;
  arch: string;
  url: string;
  format: TemplateFormat;
  checksum: string | null;
  hypervisor_type: Generated<string>;
  enable_password: boolean;
  enable_sshkey: boolean;
  dynamically_scalable: boolean;
  template_tag: string | null;
  cross_zones: boolean;
  /** How many zones it is in; the database counts them. */
  zones: Generated<number>;
  direct_download: Generated<boolean>;
  /** `Secrets` (HTTP_HEADER details, credentials of the URL), sealed with the master key. */
  sealed: string | null;
  /** Bytes of the file as transferred. */
  size: Generated<number>;
  /** Bytes that a VM sees. */
  /** Bytes that a VM sees; 0 while a packed file was not unpacked yet and did not tell. */
  virtual_size: Generated<number>;
  compression: Generated<Compression | null>;
  /** Bytes that a packed file says to unpack to; 0 when it says nothing. */
  unpacked_size: Generated<number>;
  metalink_digest: string | null;
  state: TemplateState;
  /** Its place in lists, once it can be had; the database gives it. */
  listed: Generated<number | null>;
  account_id: number;
  guest_os_id: number | null;
  created: Time;
  updated: Time;
  removed: NullableTime;
}

interface VmTemplateDetailsTable {
  id: Id;
  template_id: number;
  name: string;
  value: string;
  display: Generated<boolean>;
}

interface TemplateZoneRefTable {
  id: Id;
  template_id: number;
  zone_id: number;
  created: Time;
}

interface TemplateStoreRefTable {
  id: Id;
  template_id: number;
  store_id: number | null;
  store_role: Generated<string>;
  download_state: Generated<DownloadState>;
  download_pct: Generated<number>;
  state: Generated<CopyState>;
  size: Generated<number>;
  physical_size: Generated<number>;
  url: string | null;
  error_str: string | null;
  created: Time;
  last_updated: Time;
}

interface TemplateMirrorTable {
  id: Id;
  template_id: number;
  url: string;
  priority: number;
  location: string | null;
  size: number;
  ranges: boolean;
  etag: string | null;
  last_modified: string | null;
  reachable: boolean;
  reason: string | null;
  /** What the probe saw. */
  evidence: Evidence;
}

interface TemplateSpoolRefTable {
  id: Id;
  uuid: Generated<string>;
  template_id: number;
  pool_id: number;
  download_state: Generated<DownloadState>;
  download_pct: Generated<number>;
  state: Generated<CopyState>;
  error_str: string | null;
  local_path: string | null;
  install_path: string | null;
  template_size: Generated<number>;
  physical_size: Generated<number>;
  sha256: string | null;
  marked_for_gc: Generated<boolean>;
  cancelled_by: string | null;
  job_id: string | null;
  /** Of its file, once that is there. */
  evidence: Evidence;
  created: Time;
  last_updated: Time;
}

interface DownloadAttemptTable {
  id: Id;
  uuid: string;
  copy_id: number;
  host_id: number | null;
  host_name: string;
  sequence: number;
  source: string;
  started: Time;
  ended: Time;
  bytes: number;
  failure_kind: string | null;
  error_str: string | null;
  /** Why it began anew although bytes were there. */
  note: string | null;
  /** Of a file that was refused. */
  evidence: Evidence;
}

interface PoolReservationTable {
  copy_id: number;
  pool_id: number;
  /** Of the whole file, what is already written included. */
  bytes: number;
  created: Time;
}

interface AsyncJobTable {
  id: Id;
  uuid: Generated<string>;
  account_id: number;
  user_id: number;
  job_cmd: string;
  job_status: Generated<number>;
  job_result_code: Generated<number>;
  job_result: ColumnType<unknown, string | null | undefined, string | null>;
  instance_type: string | null;
  instance_uuid: string | null;
  created: Time;
  completed: NullableTime;
}

interface AsyncJobCopyTable {
  job_id: number;
  template_uuid: string;
  pool_uuid: string;
  settled: NullableTime;
  /** CloudStack's code of the error, beside its sentence. */
  error_code: number | null;
  error_str: string | null;
}

interface DirectDownloadCertificateTable {
  id: Id;
  uuid: Generated<string>;
  alias: string;
  /** PEM: one certificate, a chain or a bundle. */
  certificate: string;
  /** PEM: what hosts show to servers that demand it, and what leads to its authority. */
  client_certificate: string | null;
  /** Its private key, sealed with the master key. */
  client_key_sealed: string | null;
  /** Names what a keystore holds of it (`entryDigest`). */
  digest: string;
  /** When the first of its certificates ends. */
  expires: ColumnType<Date, Date | string, never>;
  hypervisor_type: Generated<string>;
  zone_id: number;
  /** No host is to have it, unless its row in the host map says otherwise. */
  revoked: Generated<boolean>;
  created: Time;
}

interface DirectDownloadCertificateHostMapTable {
  id: Id;
  certificate_id: number;
  host_id: number;
  /** As the host read it back: whether it is gone from there. Null: the host has not said. */
  revoked: boolean | null;
  /** Whether this host is to have it, where that is not as the certificate says. */
  wanted: boolean | null;
  /** Why the host is not as it is to be. */
  error_str: string | null;
  last_updated: Time;
}

interface EventTable {
  id: Id;
  uuid: Generated<string>;
  type: string;
  level: 'INFO' | 'WARN' | 'ERROR';
  state: 'Created' | 'Scheduled' | 'Started' | 'Completed';
  description: string;
  user_id: number | null;
  account_id: number | null;
  resource_type: string | null;
  resource_uuid: string | null;
  workflow_id: string | null;
  /** Names an outcome, so that an activity that runs twice tells it once. */
  once: string | null;
  created: Time;
}

interface ListChangeTable {
  id: Generated<string>;
  /** `Counted`. */
  subject: string;
}

interface OwnPartTable {
  /** Whoever told it. */
  process: string;
  /** `host:port`. */
  part: string;
  seen: Time;
}

export interface Tables {
  account: AccountTable;
  user: UserTable;
  session: SessionTable;
  launch_permission: LaunchPermissionTable;
  resource_tag: ResourceTagTable;
  data_center: DataCenterTable;
  configuration: ConfigurationTable;
  data_center_details: DataCenterDetailsTable;
  cluster: ClusterTable;
  host_invite: HostInviteTable;
  host: HostTable;
  storage_pool: StoragePoolTable;
  storage_pool_host_ref: StoragePoolHostRefTable;
  guest_os: GuestOsTable;
  vm_template: VmTemplateTable;
  vm_template_details: VmTemplateDetailsTable;
  template_zone_ref: TemplateZoneRefTable;
  template_store_ref: TemplateStoreRefTable;
  template_mirror: TemplateMirrorTable;
  template_spool_ref: TemplateSpoolRefTable;
  download_attempt: DownloadAttemptTable;
  pool_reservation: PoolReservationTable;
  async_job: AsyncJobTable;
  async_job_copy: AsyncJobCopyTable;
  direct_download_certificate: DirectDownloadCertificateTable;
  direct_download_certificate_host_map: DirectDownloadCertificateHostMapTable;
  event: EventTable;
  list_change: ListChangeTable;
  own_part: OwnPartTable;
}

export type Row<T extends keyof Tables> = Selectable<Tables[T]>;
export type NewRow<T extends keyof Tables> = Insertable<Tables[T]>;
