/** Which accounts a template is shared with, besides being public or not. */
import type { Queryable } from './database.ts';

export async function isSharedWith(db: Queryable, templateId: number, accountId: number): Promise<boolean> {
  const row = await db
    .selectFrom('launch_permission')
    .where('template_id', '=', templateId)
    .where('account_id', '=', accountId)
    .select('template_id')
    .executeTakeFirst();
  return row !== undefined;
}

/** Names of accounts, in their order. */
export async function sharedAccounts(db: Queryable, templateId: number): Promise<readonly string[]> {
  const rows = await db
    .selectFrom('launch_permission')
    .innerJoin('account', 'account.id', 'launch_permission.account_id')
    .where('template_id', '=', templateId)
    .where('account.removed', 'is', null)
    .select('account.account_name')
    .orderBy('account.account_name')
    .execute();
  return rows.map(({ account_name }) => account_name);
}

export async function share(db: Queryable, templateId: number, accountIds: readonly number[]): Promise<void> {
  if (accountIds.length === 0) return;
  await db
    .insertInto('launch_permission')
    .values(accountIds.map((account_id) => ({ template_id: templateId, account_id })))
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

export async function unshare(
  db: Queryable,
  templateId: number,
  accountIds: readonly number[],
): Promise<void> {
  if (accountIds.length === 0) return;
  await db
    .deleteFrom('launch_permission')
    .where('template_id', '=', templateId)
    .where('account_id', 'in', accountIds)
    .execute();
}

export async function unshareAll(db: Queryable, templateId: number): Promise<void> {
  await db.deleteFrom('launch_permission').where('template_id', '=', templateId).execute();
}

export interface NamedAccount {
  readonly id: number;
  readonly uuid: string;
  readonly name: string;
}

/** Those of these names or UUIDs that there are. */
export async function findAccounts(
  db: Queryable,
  column: 'account_name' | 'uuid',
  values: readonly string[],
): Promise<readonly NamedAccount[]> {
  if (values.length === 0) return [];
  return db
    .selectFrom('account')
    .where(column, 'in', values)
    .where('removed', 'is', null)
    .select(['id', 'uuid', 'account_name as name'])
    .execute();
}
