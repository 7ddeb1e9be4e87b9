/**
 * Row types of all tables, as the migrations make them; those of a subject stand in its `tables.ts`. `bigint` columns are
 * read as numbers.
 */
import type { Generated, Insertable, Selectable } from 'kysely';
import type { AccountTable, CallCountTable, SessionTable, UserTable } from './accounts/tables.ts';
import type {
  DirectDownloadCertificateHostMapTable,
  DirectDownloadCertificateTable,
} from './certificates/tables.ts';
import type {
  CopyWrongPeerTable,
  CountedAttemptTable,
  DownloadAttemptTable,
  ImageLineageTable,
  ImagePiecesTable,
  PoolReservationTable,
  TemplateSpoolRefTable,
  ThroughputSampleTable,
} from './copies/tables.ts';
import type { EventTable } from './events/tables.ts';
import type { HostInviteTable, HostTable, ProtectedEndpointTable, StrayDomainTable } from './hosts/tables.ts';
import type { InstanceGroupTable, SshKeyPairTable, UserDataTable } from './keys/tables.ts';
import type { NetworkOfferingTable, NetworkTable, NetworkTagTable } from './networks/tables.ts';
import type {
  DiskOfferingTable,
  ServiceOfferingTable,
  ServiceOfferingZoneTable,
} from './offerings/tables.ts';
import type { AsyncJobCopyTable, AsyncJobTable } from './jobs/tables.ts';
import type { PeerKeyTable, PeerListTable } from './peers/tables.ts';
import type { TemplateRolloutTable } from './rollouts/tables.ts';
import type { StoragePoolFileTable, StoragePoolHostRefTable, StoragePoolTable } from './pools/tables.ts';
import type {
  GuestOsTable,
  LaunchPermissionNameTable,
  LaunchPermissionTable,
  ResourceTagTable,
  TemplateMirrorTable,
  TemplateStoreRefTable,
  TemplateZoneRefTable,
  VmTemplateDetailsTable,
  VmTemplateTable,
} from './templates/tables.ts';
import type { NicTable, VmInstanceTable, VmTagTable, VolumeTable } from './vms/tables.ts';
import type {
  ClusterTable,
  ConfigurationTable,
  DataCenterDetailsTable,
  DataCenterTable,
} from './zones/tables.ts';

/** `count.ts` explains it. */
interface ListChangeTable {
  id: Generated<string>;
  /** `Counted`. */
  subject: string;
}

/** One row; `restored.ts` explains it. */
interface UpkeepSweepTable {
  count: number;
}

export interface Tables {
  account: AccountTable;
  user: UserTable;
  session: SessionTable;
  call_count: CallCountTable;
  launch_permission: LaunchPermissionTable;
  launch_permission_name: LaunchPermissionNameTable;
  resource_tag: ResourceTagTable;
  data_center: DataCenterTable;
  configuration: ConfigurationTable;
  data_center_details: DataCenterDetailsTable;
  cluster: ClusterTable;
  host_invite: HostInviteTable;
  host: HostTable;
  storage_pool: StoragePoolTable;
  storage_pool_file: StoragePoolFileTable;
  storage_pool_host_ref: StoragePoolHostRefTable;
  guest_os: GuestOsTable;
  vm_template: VmTemplateTable;
  vm_template_details: VmTemplateDetailsTable;
  template_zone_ref: TemplateZoneRefTable;
  template_store_ref: TemplateStoreRefTable;
  template_mirror: TemplateMirrorTable;
  template_spool_ref: TemplateSpoolRefTable;
  copy_wrong_peer: CopyWrongPeerTable;
  image_lineage: ImageLineageTable;
  image_pieces: ImagePiecesTable;
  download_attempt: DownloadAttemptTable;
  pool_reservation: PoolReservationTable;
  async_job: AsyncJobTable;
  async_job_copy: AsyncJobCopyTable;
  template_rollout: TemplateRolloutTable;
  direct_download_certificate: DirectDownloadCertificateTable;
  direct_download_certificate_host_map: DirectDownloadCertificateHostMapTable;
  event: EventTable;
  list_change: ListChangeTable;
  protected_endpoint: ProtectedEndpointTable;
  throughput_sample: ThroughputSampleTable;
  counted_attempt: CountedAttemptTable;
  service_offering: ServiceOfferingTable;
  service_offering_zone: ServiceOfferingZoneTable;
  disk_offering: DiskOfferingTable;
  network_offerings: NetworkOfferingTable;
  networks: NetworkTable;
  network_tag: NetworkTagTable;
  ssh_keypair: SshKeyPairTable;
  user_data: UserDataTable;
  instance_group: InstanceGroupTable;
  vm_instance: VmInstanceTable;
  volumes: VolumeTable;
  nics: NicTable;
  vm_tag: VmTagTable;
  peer_key: PeerKeyTable;
  upkeep_sweep: UpkeepSweepTable;
  stray_domain: StrayDomainTable;
  peer_list: PeerListTable;
}

export type Row<T extends keyof Tables> = Selectable<Tables[T]>;
export type NewRow<T extends keyof Tables> = Insertable<Tables[T]>;
