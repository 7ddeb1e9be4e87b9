/** Row types of storage pools and their hosts. */
import type { ColumnType, Generated } from 'kysely';
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
  created: Time;
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
