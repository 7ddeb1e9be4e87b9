/** SSH key pairs, registered user data and instance groups as lists show them. */
import { type RawBuilder, sql } from 'kysely';
import type { Queryable } from '../database.ts';
import { containing, type Listing, type Page } from '../page.ts';
import type { Row } from '../tables.ts';

type OwnedTable = 'ssh_keypair' | 'user_data' | 'instance_group';

export interface OwnedQuery {
  readonly accountId?: number | undefined;
  readonly id?: string | undefined;
  readonly name?: string | undefined;
  readonly keyword?: string | undefined;
}

/** A row of such a table, and the account that owns it. */
type Owned<T extends OwnedTable> = Row<T> & {
  readonly account_uuid: string;
  readonly account_name: string;
};
export type SshKeyPairListRow = Owned<'ssh_keypair'>;
export type UserDataListRow = Owned<'user_data'>;
export type InstanceGroupListRow = Owned<'instance_group'>;

async function listOwned<T extends OwnedTable>(
  db: Queryable,
  table: T,
  { accountId, id, name, keyword }: OwnedQuery,
  { limit, offset }: Page,
  more: readonly RawBuilder<unknown>[] = [],
): Promise<Listing<Owned<T>>> {
  const conditions = [
    sql`account.removed is null`,
    ...(accountId === undefined ? [] : [sql`one.account_id = ${accountId}`]),
    ...(id === undefined ? [] : [sql`one.uuid = ${id}`]),
    ...(name === undefined ? [] : [sql`one.name = ${name}`]),
    ...(keyword === undefined ? [] : [sql`one.name ilike ${containing(keyword)}`]),
    ...more,
  ];
  const matching = sql`from ${sql.table(table)} one join account on account.id = one.account_id
    where ${sql.join(conditions, sql` and `)}`;
  const counted = await sql<{ count: number }>`select count(*) as count ${matching}`.execute(db);
  const { rows } = await sql<Owned<T>>`
    select one.*, account.uuid as account_uuid, account.account_name ${matching}
    order by one.id limit ${limit} offset ${offset}`.execute(db);
  return { count: counted.rows[0]?.count ?? 0, rows };
}

export const listSshKeyPairs = (
  db: Queryable,
  { fingerprint, ...query }: OwnedQuery & { readonly fingerprint?: string | undefined },
  page: Page,
): Promise<Listing<SshKeyPairListRow>> =>
  listOwned(
    db,
    'ssh_keypair',
    query,
    page,
    fingerprint === undefined ? [] : [sql`one.fingerprint = ${fingerprint}`],
  );

export const listUserData = (
  db: Queryable,
  query: OwnedQuery,
  page: Page,
): Promise<Listing<UserDataListRow>> => listOwned(db, 'user_data', query, page);

export const listInstanceGroups = (
  db: Queryable,
  query: OwnedQuery,
  page: Page,
): Promise<Listing<InstanceGroupListRow>> => listOwned(db, 'instance_group', query, page);
