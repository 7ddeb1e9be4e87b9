/** Accounts as the owners of machines. */
import type { Queryable } from '../database.ts';
import type { AccountState } from '../accounts/tables.ts';

export interface Owner {
  readonly id: number;
  readonly uuid: string;
  readonly name: string;
  readonly state: AccountState;
}

export const findOwner = (db: Queryable, accountId: number): Promise<Owner> =>
  db
    .selectFrom('account')
    .where('id', '=', accountId)
    .select(['id', 'uuid', 'account_name as name', 'state'])
    .executeTakeFirstOrThrow();
