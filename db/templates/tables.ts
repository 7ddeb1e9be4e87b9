/** Row types of templates, their zones, mirrors, tags and permissions, and of guest operating systems. */
import type { Generated } from 'kysely';
import type { Compression } from '../../model/source.ts';
import type { CopyState, DownloadState, TemplateFormat, TemplateState } from '../../model/states.ts';
import type { Evidence, Id, NullableTime, Time } from '../columns.ts';

export interface GuestOsTable {
  id: Id;
  uuid: Generated<string>;
  category: string;
  display_name: string;
}

export interface VmTemplateTable {
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
  /** Number of zones; a trigger of the database keeps it. */
  zones: Generated<number>;
  direct_download: Generated<boolean>;
  /** `Secrets` (HTTP_HEADER details, credentials of the URL), sealed with the master key. */
  sealed: string | null;
  /** Bytes of the file as transferred, packed or not. */
  size: Generated<number>;
  /** Bytes of the disk as a VM sees it; 0 until known, which for a packed file may be after the first unpacking. */
  virtual_size: Generated<number>;
  compression: Generated<Compression | null>;
  /** Unpacked size in bytes that a packed file states; 0 when it states none. */
  unpacked_size: Generated<number>;
  metalink_digest: string | null;
  state: TemplateState;
  /** Position in lists; the database assigns it when the template becomes usable. */
  listed: Generated<number | null>;
  account_id: number;
  guest_os_id: number | null;
  created: Time;
  updated: Time;
  removed: NullableTime;
}

export interface VmTemplateDetailsTable {
  id: Id;
  template_id: number;
  name: string;
  value: string;
  display: Generated<boolean>;
}

export interface TemplateZoneRefTable {
  id: Id;
  template_id: number;
  zone_id: number;
  created: Time;
}

export interface TemplateStoreRefTable {
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

export interface TemplateMirrorTable {
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
  /** Evidence of the probe. */
  evidence: Evidence;
}

export interface LaunchPermissionTable {
  template_id: number;
  account_id: number;
  created: Time;
}

export interface LaunchPermissionNameTable {
  template_id: number;
  account_name: string;
}

export interface ResourceTagTable {
  id: Id;
  uuid: Generated<string>;
  template_id: number;
  key: string;
  value: string;
  created: Time;
}
