/** Accounts and users as the API shows them. */
import type { AccountListRow, UserListRow } from '../../../db/accounts/listing.ts';
import { type LimitedResource, limitsIn } from '../../../db/accounts/resource-limits.ts';
import type { Role, UserKeys } from '../../../db/accounts/accounts.ts';
import { date, integer, listOf, long, optional, type Shape, string } from '../response.ts';
import type { AccountUsage } from '../../../db/vms/usage.ts';
import { GIB } from '../../../model/vms.ts';
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
  readonly usage: AccountUsage;
}

/** Limit, total and rest of a resource. @param what such as `processors` */
function limited(
  prefix: string,
  what: string,
  resource: LimitedResource,
  has: (view: AccountView) => number,
): Shape<AccountView> {
  const most = (view: AccountView): number | null => limitsIn(view)[resource];
  return {
    [`${prefix}limit`]: string(`how many ${what} it may have; Unlimited without a limit`, (view) =>
      String(most(view) ?? 'Unlimited'),
    ),
    [`${prefix}total`]: long(`how many ${what} it has`, has),
    [`${prefix}available`]: string(`how many more ${what} it may have`, (view) => {
      const limit = most(view);
      return limit === null ? 'Unlimited' : String(Math.max(0, limit - has(view)));
    }),
  };
}

const OF_MACHINES: Shape<AccountView> = {
  ...limited('vm', 'virtual machines', 'user_vm', ({ usage }) => usage.vms),
  vmrunning: integer('how many of them run', ({ usage }) => usage.running),
  vmstopped: integer('how many of them are stopped', ({ usage }) => usage.stopped),
  ...limited('cpu', 'processors', 'cpu', ({ usage }) => usage.cpu),
  ...limited('memory', 'megabytes of memory', 'memory', ({ usage }) => usage.memory),
  ...limited('volume', 'volumes', 'volume', ({ usage }) => usage.volumes),
  ...limited('primarystorage', 'gigabytes on storage pools', 'primary_storage', ({ usage }) =>
    Math.ceil(usage.storage / GIB),
  ),
};

export const ACCOUNT: Shape<AccountView> = {
  id: string('the id', ({ uuid }) => uuid),
  name: string('the name', ({ account_name }) => account_name),
  accounttype: integer('1 for administrators, 0 for users', ({ role }) => accountType(role)),
  ...WITH_ROLE,
  ...IN_DOMAIN,
  state: string('enabled, disabled or locked', ({ state }) => state),
  ...limited('template', 'templates and ISOs', 'template', ({ templates }) => templates),
  ...OF_MACHINES,
  user: listOf(USER, 'its users', ({ users }) => users),
  created: date('when it was made', ({ created }) => created),
};
