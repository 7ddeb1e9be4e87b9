/** Which accounts a template is shared with, besides being public or not. */
import type { Database, Queryable } from '../database.ts';
import { NotPossible } from '../errors.ts';

export async function isSharedWith(db: Queryable, templateId: number, accountId: number): Promise<boolean> {
  const row = await db
    .selectFrom('launch_permission')
    .where('template_id', '=', templateId)
    .where('account_id', '=', accountId)
    .select('template_id')
    .executeTakeFirst();
  return row !== undefined;
}

/** Names of accounts, and those that were typed for accounts, in their order. */
export async function sharedAccounts(db: Queryable, templateId: number): Promise<readonly string[]> {
  const rows = await db
    .selectFrom('launch_permission')
    .innerJoin('account', 'account.id', 'launch_permission.account_id')
    .where('template_id', '=', templateId)
    .where('account.removed', 'is', null)
    .select('account.account_name')
    .union(
      db
        .selectFrom('launch_permission_name')
        .where('template_id', '=', templateId)
        .select('launch_permission_name.account_name'),
    )
    .orderBy('account_name')
    .execute();
  return rows.map(({ account_name }) => account_name);
}

/** Of one template, names that are no accounts. */
const MAX_NAMES = 100;

/**
 * Records names that are no accounts, so that they are listed like accounts. They give access to nobody, also when an
 * account of that name is created later.
 * @throws NotPossible when there are too many
 */
export function shareNames(db: Database, templateId: number, names: readonly string[]): Promise<void> {
  if (names.length === 0) return Promise.resolve();
  return db.transaction().execute(async (tx) => {
    await tx
      .insertInto('launch_permission_name')
      .values(names.map((account_name) => ({ template_id: templateId, account_name })))
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    const { count } = await tx
      .selectFrom('launch_permission_name')
      .where('template_id', '=', templateId)
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow();
    if (count > MAX_NAMES) throw new NotPossible(`A template or ISO is shared with too many names`);
  });
}

export async function unshareNames(
  db: Queryable,
  templateId: number,
  names: readonly string[],
): Promise<void> {
  if (names.length === 0) return;
  await db
    .deleteFrom('launch_permission_name')
    .where('template_id', '=', templateId)
    .where('account_name', 'in', names)
    .execute();
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
  await db.deleteFrom('launch_permission_name').where('template_id', '=', templateId).execute();
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
