/** SSH key pairs, registered user data and instance groups as the API shows them. */
import type { InstanceGroupListRow, SshKeyPairListRow, UserDataListRow } from '../../../db/keys/listing.ts';
import { date, optional, type Shape, string } from '../response.ts';
import { IN_DOMAIN } from './domain.ts';

export interface SshKeyPairView extends SshKeyPairListRow {
  /** Only in the answer of the command that made the pair. */
  readonly privateKey?: string;
}

export const SSH_KEY_PAIR: Shape<SshKeyPairView> = {
  id: string('the id', ({ uuid }) => uuid),
  name: string('the name', ({ name }) => name),
  fingerprint: string('MD5 of the public key, in pairs of digits', ({ fingerprint }) => fingerprint),
  account: string('the account that owns it', ({ account_name }) => account_name),
  ...IN_DOMAIN,
};

export const NEW_SSH_KEY_PAIR: Shape<SshKeyPairView> = {
  ...SSH_KEY_PAIR,
  privatekey: optional.string(
    'the private key as PEM; it is kept nowhere, and answered this once',
    ({ privateKey }) => privateKey,
  ),
};

export interface UserDataView extends UserDataListRow {
  /** Base64. */
  readonly text: string;
}

export const USER_DATA: Shape<UserDataView> = {
  id: string('the id', ({ uuid }) => uuid),
  name: string('the name', ({ name }) => name),
  userdata: string('the user data as base64, with padding', ({ text }) => text),
  params: optional.string('the names of its variables, separated by commas', ({ params }) => params),
  account: string('the account that owns it', ({ account_name }) => account_name),
  accountid: string('the id of that account', ({ account_uuid }) => account_uuid),
  ...IN_DOMAIN,
};

export const INSTANCE_GROUP: Shape<InstanceGroupListRow> = {
  id: string('the id', ({ uuid }) => uuid),
  name: string('the name', ({ name }) => name),
  account: string('the account that owns it', ({ account_name }) => account_name),
  ...IN_DOMAIN,
  created: date('when it was made', ({ created }) => created),
};
