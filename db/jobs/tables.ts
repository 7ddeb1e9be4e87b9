/** Row types of asynchronous jobs. */
import type { ColumnType, Generated } from 'kysely';
import type { NamedHost } from '../../model/failures.ts';
import type { CleanupJobParameters } from '../../model/pool-files.ts';
import type { VmJobParameters } from '../../model/vm-payloads.ts';
import type { Id, NullableJson, NullableTime, Time } from '../columns.ts';

export interface AsyncJobTable {
  id: Id;
  uuid: Generated<string>;
  account_id: number;
  user_id: number;
  job_cmd: string;
  job_status: Generated<number>;
  job_result_code: Generated<number>;
  job_result: ColumnType<unknown, string | null | undefined, string | null>;
  /** Of a job of a virtual machine or of a pool. */
  job_params: ColumnType<VmJobParameters | CleanupJobParameters | null, string | null | undefined, never>;
  instance_type: string | null;
  instance_uuid: string | null;
  created: Time;
  completed: NullableTime;
}

export interface AsyncJobCopyTable {
  job_id: number;
  template_uuid: string;
  pool_uuid: string;
  settled: NullableTime;
  /** CloudStack's code of the error. */
  error_code: number | null;
  /** Its sentence, which names no host. */
  error_str: string | null;
  error_kind: string | null;
  /** The host that the error is about. */
  error_host: NullableJson<NamedHost>;
  /** Of a roll-out; null: of a job that begins all its copies at once. */
  turn: 'queued' | 'due' | 'begun' | 'stopping' | null;
  /** When its turn came. */
  begun: NullableTime;
}
