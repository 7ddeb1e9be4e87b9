/** Accounts and users as the API shows them. */
import type { AccountListRow, UserListRow } from '../../../db/accounts/listing.ts';
import type { Role, UserKeys } from '../../../db/accounts/accounts.ts';
import { date, integer, listOf, optional, type Shape, string } from '../response.ts';
import { IN_DOMAIN } from './domain.ts';
import { WITH_ROLE } from './role.ts';

/** CloudStack's number for the type of an account. */
const accountType = (role: Role): number => (role === 'admin' ? 1 : 0);
/** @param type CloudStack's number for the type of an account */
export const roleOf = (type: '0' | '1' | undefined): Role | undefined =>
  type === undefined ? undefined : type === '1' ? 'admin' : 'user';

export const USER: Shape<UserListRow> = {
  id: string('the id', ({ uuid }) => uuid),
  username: string('the name', ({ username }) => username),
  firstname: optional.string('the first name', ({ firstname }) => firstname),
  lastname: optional.string('the last name', ({ lastname }) => lastname),
  email: optional.string('the email address', ({ email }) => email),
  timezone: optional.string('the time zone', ({ timezone }) => timezone),
  accountid: string('the id of the account', ({ account_uuid }) => account_uuid),
  account: string('the name of the account', ({ account_name }) => account_name),
  accounttype: integer('1 for administrators, 0 for users', ({ role }) => accountType(role)),
  ...WITH_ROLE,
  ...IN_DOMAIN,
  state: string('enabled, disabled or locked', ({ state }) => state),
  created: date('when it was made', ({ created }) => created),
};

export const USER_KEYS: Shape<Partial<UserKeys>> = {
  apikey: optional.string('the API key; absent where the user has none', ({ apiKey }) => apiKey),
  secretkey: optional.string('the secret key; absent where the user has none', ({ secretKey }) => secretKey),
};

export interface AccountView extends AccountListRow {
  readonly users: readonly UserListRow[];
}

export const ACCOUNT: Shape<AccountView> = {
  id: string('the id', ({ uuid }) => uuid),
  name: string('the name', ({ account_name }) => account_name),
  accounttype: integer('1 for administrators, 0 for users', ({ role }) => accountType(role)),
  ...WITH_ROLE,
  ...IN_DOMAIN,
  state: string('enabled, disabled or locked', ({ state }) => state),
  templatelimit: string('how many templates and ISOs it may have', ({ template_limit }) =>
    template_limit === null ? 'Unlimited' : String(template_limit),
  ),
  templatetotal: integer('how many it has', ({ templates }) => templates),
  templateavailable: string('how many more it may have', ({ template_limit, templates }) =>
    template_limit === null ? 'Unlimited' : String(Math.max(0, template_limit - templates)),
  ),
  user: listOf(USER, 'its users', ({ users }) => users),
  created: date('when it was made', ({ created }) => created),
};
