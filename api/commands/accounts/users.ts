/** Shared by the commands for users: their personal details, and finding a user. */
import type { PersonalDetails } from '../../../db/accounts/accounts.ts';
import { listUsers, type UserListRow } from '../../../db/accounts/listing.ts';
import type { CommandContext } from '../../server/command.ts';
import { entity } from '../../fields/entities.ts';
import { badParameter } from '../../server/errors.ts';
import { orNull, text, type ParameterValues } from '../../fields/parameters.ts';

/** The personal details that a user may have besides the name. */
export const personalParameters = {
  email: text('the email address'),
  firstname: text('the first name'),
  lastname: text('the last name'),
  timezone: text('the time zone, such as Europe/Berlin'),
};

/** The details as the database stores them. */
export const personalDetails = ({
  email,
  firstname,
  lastname,
  timezone,
}: ParameterValues<typeof personalParameters>): PersonalDetails => ({
  email: orNull(email),
  firstname: orNull(firstname),
  lastname: orNull(lastname),
  timezone: orNull(timezone),
});

/** @throws ApiError 431 for the caller's own user: administrators must not lock themselves out */
export function requireOtherUser({ caller }: CommandContext, user: UserListRow): void {
  if (user.uuid === caller.userUuid)
    throw badParameter('id', 'is your own user; let another administrator do it.');
}

/** A user that the caller may see: any for an administrator, those of the own account for others. @throws ApiError 431 */
export const userNamed = (context: CommandContext, parameter: string, id: string): Promise<UserListRow> =>
  entity(context, parameter, id, async (uuid) => {
    const { db, caller } = context;
    const { rows } = await listUsers(db, { id: uuid }, { limit: 1, offset: 0 });
    const [user] = rows;
    return caller.role === 'admin' || user?.account_uuid === caller.accountUuid ? user : undefined;
  });
