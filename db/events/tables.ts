/** Row type of events. */
import type { Generated } from 'kysely';
import type { NamedHost } from '../../model/failures.ts';
import type { Id, NullableJson, Time } from '../columns.ts';

export interface EventTable {
  id: Id;
  uuid: Generated<string>;
  type: string;
  level: 'INFO' | 'WARN' | 'ERROR';
  state: 'Created' | 'Scheduled' | 'Started' | 'Completed';
  description: string;
  /** The host on which it happened: for administrators. */
  host: NullableJson<NamedHost>;
  user_id: number | null;
  account_id: number | null;
  resource_type: string | null;
  resource_uuid: string | null;
  workflow_id: string | null;
  /** Unique key of an outcome, so that an activity that runs twice records one event. */
  once: string | null;
  created: Time;
}
