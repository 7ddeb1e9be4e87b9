/** Row types of accounts, users and sessions. */
import type { Generated } from 'kysely';
import type { Id, NullableTime, Time } from '../columns.ts';

/** A user may call the API only when both the user and the account are enabled. */
export type AccountState = 'enabled' | 'disabled' | 'locked';

export interface AccountTable {
  id: Id;
  uuid: Generated<string>;
  account_name: string;
  role: 'admin' | 'user';
  /** Maximum number of templates and ISOs; null: no limit. */
  template_limit: number | null;
  user_vm_limit: number | null;
  cpu_limit: number | null;
  /** Megabytes. */
  memory_limit: number | null;
  volume_limit: number | null;
  /** Gigabytes. */
  primary_storage_limit: number | null;
  state: Generated<AccountState>;
  created: Time;
  removed: NullableTime;
}

export interface UserTable {
  id: Id;
  uuid: Generated<string>;
  account_id: number;
  username: string;
  password_hash: string | null;
  /** SHA-256 of the API key, hex. */
  api_key_hash: string | null;
  /** The API key, sealed with the master key; null also for keys of which only the hash was stored. */
  api_key_sealed: string | null;
  secret_key_sealed: string | null;
  state: Generated<AccountState>;
  email: string | null;
  firstname: string | null;
  lastname: string | null;
  timezone: string | null;
  created: Time;
  removed: NullableTime;
}

export interface CallCountTable {
  kind: 'calls' | 'logins';
  caller: string;
  window_ends: Date;
  issued: number;
}

export interface SessionTable {
  id: Id;
  token_hash: string;
  key_hash: string;
  user_id: number;
  created: Time;
  last_used: Time;
}
