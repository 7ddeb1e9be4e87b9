import { removeUser } from '../../../db/accounts/account-states.ts';
import { recordCallerEvent } from '../../server/caller-event.ts';
import { ADMINS, defineCommand } from '../../server/command.ts';
import { id, required } from '../../fields/parameters.ts';
import { render, SUCCESS } from '../../fields/response.ts';
import { requireOtherUser, userNamed } from './users.ts';

export const deleteUser = defineCommand({
  name: 'deleteUser',
  since: '0.2.0',
  description: 'Removes a user; the account and what it has stay. Sessions of the user end at once.',
  roles: ADMINS,
  parameters: { id: required(id('the user')) },
  response: SUCCESS,
  async run(context, values) {
    const { db, caller, sessions } = context;
    const user = await userNamed(context, 'id', values.id);
    requireOtherUser(context, user);
    sessions.forgetUsers(await removeUser(db, user.id));
    const text = `User '${user.username}' of account '${user.account_name}' was removed`;
    await recordCallerEvent(
      { db, caller },
      {
        type: 'USER.DELETE',
        description: text,
        resourceType: 'User',
        resourceUuid: user.uuid,
      },
    );
    return render(SUCCESS, { text }, caller);
  },
});
