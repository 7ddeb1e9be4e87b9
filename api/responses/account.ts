/** Accounts and users as the API shows them. */
import type { AccountListRow, UserListRow } from '../../db/listings/accounts.ts';
import type { Role } from '../../db/accounts.ts';
import { date, integer, list, render, type Shape, string } from '../response.ts';
import { IN_DOMAIN } from './domain.ts';

/** CloudStack's numbers of the types. */
export const accountType = (role: Role): number => (role === 'admin' ? 1 : 0);
/** @param type CloudStack's number of it */
export const roleOf = (type: '0' | '1' | undefined): Role | undefined =>
  type === undefined ? undefined : type === '1' ? 'admin' : 'user';
const roleType = (role: Role): string => (role === 'admin' ? 'Admin' : 'User');

export const USER: Shape<UserListRow> = {
  id: string('the id', ({ uuid }) => uuid),
  username: string('the name', ({ username }) => username),
  accountid: string('the id of the account', ({ account_uuid }) => account_uuid),
  account: string('the name of the account', ({ account_name }) => account_name),
  accounttype: integer('1 for administrators, 0 for users', ({ role }) => accountType(role)),
  rolename: string('the name of the role', ({ role }) => roleType(role)),
  roletype: string('the type of the role', ({ role }) => roleType(role)),
  ...IN_DOMAIN,
  state: string('enabled', () => 'enabled'),
  created: date('when it was made', ({ created }) => created),
};

export interface AccountView extends AccountListRow {
  readonly users: readonly UserListRow[];
}

export const ACCOUNT: Shape<AccountView> = {
  id: string('the id', ({ uuid }) => uuid),
  name: string('the name', ({ account_name }) => account_name),
  accounttype: integer('1 for administrators, 0 for users', ({ role }) => accountType(role)),
  rolename: string('the name of the role', ({ role }) => roleType(role)),
  roletype: string('the type of the role', ({ role }) => roleType(role)),
  ...IN_DOMAIN,
  state: string('enabled', () => 'enabled'),
  templatelimit: string('how many templates and ISOs it may have', ({ template_limit }) =>
    template_limit === null ? 'Unlimited' : String(template_limit),
  ),
  templatetotal: integer('how many it has', ({ templates }) => templates),
  templateavailable: string('how many more it may have', ({ template_limit, templates }) =>
    template_limit === null ? 'Unlimited' : String(Math.max(0, template_limit - templates)),
  ),
  user: list('its users', ({ users }, caller) => users.map((user) => render(USER, user, caller))),
  created: date('when it was made', ({ created }) => created),
};
