/** States of users and accounts, and their removal. A user who may not call any more loses all sessions. */
import { sql } from 'kysely';
import type { Database, Queryable } from '../database.ts';
import type { AccountState } from './tables.ts';

/** Users by the numeric id of one of them, or of their account. */
type UserSelection = { readonly userId: number } | { readonly accountId: number };

/** @returns UUIDs of the users selection sessions ended */
export const setUserState = (db: Database, userId: number, state: AccountState): Promise<readonly string[]> =>
  db.transaction().execute(async (tx) => {
    await tx.updateTable('user').set({ state }).where('id', '=', userId).execute();
    return state === 'enabled' ? [] : endSessions(tx, { userId });
  });

/** @returns UUIDs of the users selection sessions ended */
export const setAccountState = (
  db: Database,
  accountId: number,
  state: AccountState,
): Promise<readonly string[]> =>
  db.transaction().execute(async (tx) => {
    await tx.updateTable('account').set({ state }).where('id', '=', accountId).execute();
    return state === 'enabled' ? [] : endSessions(tx, { accountId });
  });

/** The name can be taken again. @returns UUIDs of the users selection sessions ended */
export const removeUser = (db: Database, userId: number): Promise<readonly string[]> =>
  db.transaction().execute((tx) => removeUsers(tx, { userId }));

/** Removes an account with its users, SSH key pairs, registered user data and instance groups. @returns UUIDs of the users selection sessions ended */
export const removeAccount = (db: Database, accountId: number): Promise<readonly string[]> =>
  db.transaction().execute(async (tx) => {
    await tx
      .updateTable('account')
      .set({ removed: sql`now()` })
      .where('id', '=', accountId)
      .execute();
    for (const table of ['ssh_keypair', 'user_data', 'instance_group'] as const)
      await tx.deleteFrom(table).where('account_id', '=', accountId).execute();
    return removeUsers(tx, { accountId });
  });

async function removeUsers(tx: Queryable, selection: UserSelection): Promise<readonly string[]> {
  const ended = await endSessions(tx, selection);
  await tx
    .updateTable('user')
    .set({ removed: sql`now()` })
    .where((eb) =>
      'userId' in selection ? eb('id', '=', selection.userId) : eb('account_id', '=', selection.accountId),
    )
    .where('removed', 'is', null)
    .execute();
  return ended;
}

async function endSessions(tx: Queryable, selection: UserSelection): Promise<readonly string[]> {
  const users = await tx
    .selectFrom('user')
    .where((eb) =>
      'userId' in selection ? eb('id', '=', selection.userId) : eb('account_id', '=', selection.accountId),
    )
    .select(['id', 'uuid'])
    .execute();
  if (users.length === 0) return [];
  await tx
    .deleteFrom('session')
    .where(
      'user_id',
      'in',
      users.map(({ id }) => id),
    )
    .execute();
  return users.map(({ uuid }) => uuid);
}
