/** Accounts and users as lists show them. */
import type { Queryable } from '../database.ts';
import type { AccountState } from './tables.ts';
import type { LimitColumns } from './resource-limits.ts';
import { hashOfApiKey, type Role } from './accounts.ts';
import { containing, type Listing, type Order, type Page } from '../page.ts';

export interface AccountQuery {
  readonly id?: string | undefined;
  readonly name?: string | undefined;
  readonly role?: Role | undefined;
  readonly state?: AccountState | undefined;
  readonly keyword?: string | undefined;
  readonly order?: Order<AccountColumn> | undefined;
}

const COLUMNS = {
  created: 'account.id',
  name: 'account.account_name',
  state: 'account.state',
  role: 'account.role',
} as const;
export type AccountColumn = keyof typeof COLUMNS;
export const ACCOUNT_COLUMNS = Object.keys(COLUMNS) as readonly AccountColumn[];

export interface AccountListRow extends LimitColumns {
  readonly id: number;
  readonly uuid: string;
  readonly account_name: string;
  readonly role: Role;
  readonly state: AccountState;
  readonly created: Date;
  /** Templates and ISOs that it has. */
  readonly templates: number;
}

export async function listAccounts(
  db: Queryable,
  query: AccountQuery,
  { limit, offset }: Page,
): Promise<Listing<AccountListRow>> {
  const { id, name, role, state, keyword } = query;
  const { by, direction } = query.order ?? { by: 'created', direction: 'asc' };
  let accounts = db.selectFrom('account').where('account.removed', 'is', null);
  if (id !== undefined) accounts = accounts.where('account.uuid', '=', id);
  if (name !== undefined) accounts = accounts.where('account.account_name', '=', name);
  if (role !== undefined) accounts = accounts.where('account.role', '=', role);
  if (state !== undefined) accounts = accounts.where('account.state', '=', state);
  if (keyword !== undefined) accounts = accounts.where('account.account_name', 'ilike', containing(keyword));
  const { count } = await accounts
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  const rows = await accounts
    .select((eb) => [
      'account.id',
      'account.uuid',
      'account.account_name',
      'account.role',
      'account.template_limit',
      'account.user_vm_limit',
      'account.cpu_limit',
      'account.memory_limit',
      'account.volume_limit',
      'account.primary_storage_limit',
      'account.state',
      'account.created',
      eb
        .selectFrom('vm_template')
        .whereRef('vm_template.account_id', '=', 'account.id')
        .where('vm_template.removed', 'is', null)
        .select(({ fn }) => fn.countAll<number>().as('n'))
        .$asScalar()
        .$notNull()
        .as('templates'),
    ])
    .orderBy(COLUMNS[by], direction)
    .orderBy('account.id')
    .limit(limit)
    .offset(offset)
    .execute();
  return { count, rows };
}

export interface UserQuery {
  readonly id?: string | undefined;
  readonly username?: string | undefined;
  readonly apiKey?: string | undefined;
  readonly role?: Role | undefined;
  readonly state?: AccountState | undefined;
  readonly accountIds?: readonly number[] | undefined;
  readonly keyword?: string | undefined;
}

export interface UserListRow {
  readonly id: number;
  readonly uuid: string;
  readonly username: string;
  readonly state: AccountState;
  readonly email: string | null;
  readonly firstname: string | null;
  readonly lastname: string | null;
  readonly timezone: string | null;
  readonly created: Date;
  readonly account_id: number;
  readonly account_uuid: string;
  readonly account_name: string;
  readonly role: Role;
}

export async function listUsers(
  db: Queryable,
  query: UserQuery,
  { limit, offset }: Page,
): Promise<Listing<UserListRow>> {
  const { count } = await matchingUsers(db, query)
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  const rows = await matchingUsers(db, query)
    .select([
      'user.id',
      'user.uuid',
      'user.username',
      'user.state',
      'user.email',
      'user.firstname',
      'user.lastname',
      'user.timezone',
      'user.created',
      'account.id as account_id',
      'account.uuid as account_uuid',
      'account.account_name',
      'account.role',
    ])
    .orderBy('user.id')
    .limit(limit)
    .offset(offset)
    .execute();
  return { count, rows };
}

function matchingUsers(db: Queryable, query: UserQuery) {
  const { id, username, apiKey, role, state, accountIds, keyword } = query;
  let users = db
    .selectFrom('user')
    .innerJoin('account', 'account.id', 'user.account_id')
    .where('user.removed', 'is', null)
    .where('account.removed', 'is', null);
  if (id !== undefined) users = users.where('user.uuid', '=', id);
  if (username !== undefined) users = users.where('user.username', '=', username);
  if (apiKey !== undefined) users = users.where('user.api_key_hash', '=', hashOfApiKey(apiKey));
  if (role !== undefined) users = users.where('account.role', '=', role);
  if (state !== undefined) users = users.where('user.state', '=', state);
  if (accountIds !== undefined)
    users = users.where('account.id', 'in', accountIds.length > 0 ? accountIds : [-1]);
  if (keyword !== undefined) users = users.where('user.username', 'ilike', containing(keyword));
  return users;
}
