/** Users as commands name them. */
import { listUsers, type UserListRow } from '../db/listings/accounts.ts';
import type { CommandContext } from './command.ts';
import { entity } from './entities.ts';

/** A user that the caller may see: administrators any, others those of their account. */
export const userNamed = (context: CommandContext, parameter: string, id: string): Promise<UserListRow> =>
  entity(context, parameter, id, async (uuid) => {
    const { db, caller } = context;
    const { rows } = await listUsers(db, { id: uuid }, { limit: 1, offset: 0 });
    const [user] = rows;
    return caller.role === 'admin' || user?.account_uuid === caller.accountUuid ? user : undefined;
  });
