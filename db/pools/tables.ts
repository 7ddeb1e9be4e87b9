/** Row types of storage pools and their hosts. */
import type { ColumnType, Generated } from 'kysely';
import type { PoolFileRole, PoolFileType } from '../../model/pool-files.ts';
import type { PoolScope, PoolType } from '../../model/states.ts';
import type { Id, NullableTime, Time } from '../columns.ts';

export interface StoragePoolTable {
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
  /** Sizes of part files when `free_bytes` was reported: copy UUID → bytes. */
  parts: ColumnType<Readonly<Record<string, number>>, string | undefined, string>;
  reported: NullableTime;
  /** When a look at its files was begun last, and when one was completed last. */
  look_begun: NullableTime;
  looked: NullableTime;
  created: Time;
}

/** What the last look found on a pool that no row needs. */
export interface StoragePoolFileTable {
  id: Id;
  /** Of this very file: another one of the same name has another. */
  uuid: Generated<string>;
  pool_id: number;
  name: string;
  finding: 'leftover' | 'unknown';
  role: PoolFileRole;
  subject: string | null;
  file_type: PoolFileType;
  size: number;
  physical_size: number;
  inode: string;
  modified: Time;
  found: Time;
  look: string;
  reported: Generated<boolean>;
}

export interface StoragePoolHostRefTable {
  id: Id;
  pool_id: number;
  host_id: number;
  local_path: string;
  mounted: boolean;
  problem: string | null;
  created: Time;
  last_updated: Time;
}
