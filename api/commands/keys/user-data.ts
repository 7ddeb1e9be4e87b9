/** What the commands for registered user data share. */
import { listUserData, type UserDataListRow } from '../../../db/keys/listing.ts';
import { openUserData } from '../../../db/keys/user-data.ts';
import type { CommandContext } from '../../server/command.ts';
import { entity } from '../../fields/entities.ts';
import type { UserDataView } from '../../fields/answers/key.ts';

export async function openedUserData(
  { masterKey }: CommandContext,
  row: UserDataListRow,
): Promise<UserDataView> {
  return { ...row, text: await openUserData(masterKey, row) };
}

/** User data of the caller's account, or for administrators of any. @throws ApiError 431 */
export const userDataNamed = (
  context: CommandContext,
  parameter: string,
  id: string,
): Promise<UserDataListRow> =>
  entity(context, parameter, id, async (uuid) => {
    const { role, accountId } = context.caller;
    const query = { id: uuid, accountId: role === 'admin' ? undefined : accountId };
    return (await listUserData(context.db, query, { limit: 1, offset: 0 })).rows[0];
  });
