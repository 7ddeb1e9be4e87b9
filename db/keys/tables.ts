/** Row types of SSH key pairs, registered user data and instance groups. */
import type { Generated } from 'kysely';
import type { Id, Time } from '../columns.ts';

export interface SshKeyPairTable {
  id: Id;
  uuid: Generated<string>;
  account_id: number;
  name: string;
  public_key: string;
  /** MD5 of the key, as pairs of hexadecimal digits with colons between. */
  fingerprint: string;
  created: Time;
}

export interface UserDataTable {
  id: Id;
  uuid: Generated<string>;
  account_id: number;
  name: string;
  /** Base64 text, sealed. */
  user_data_sealed: string;
  params: string | null;
  created: Time;
}

export interface InstanceGroupTable {
  id: Id;
  uuid: Generated<string>;
  account_id: number;
  name: string;
  created: Time;
}
