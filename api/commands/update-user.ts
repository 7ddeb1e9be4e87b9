import { findByName, setPassword } from '../../db/accounts.ts';
import { recordEvent } from '../../db/events.ts';
import { verifyPassword } from '../../trust/passwords.ts';
import { defineCommand, EVERYBODY } from '../command.ts';
import { ApiError, errorCode } from '../errors.ts';
import { id, required, text } from '../parameters.ts';
import { readPassword } from '../passwords.ts';
import { answerOne } from '../response.ts';
import { USER } from '../responses/account.ts';
import { userNamed } from '../users.ts';

export const updateUser = defineCommand({
  name: 'updateUser',
  description: 'Changes the password of a user. Users change their own, and give the one they have.',
  roles: EVERYBODY,
  parameters: {
    id: required(id('the user')),
    password: required(text('the new password: 8 characters or more')),
    currentpassword: text('the password that is good now; administrators may leave it out for others'),
  },
  object: 'user',
  response: USER,
  async run(context, { id: given, password, currentpassword = '' }) {
    const { db, caller } = context;
    const user = await userNamed(context, 'id', given);
    if (caller.role !== 'admin' || user.uuid === caller.userUuid) {
      const known = await findByName(db, user.username);
      if (!(await verifyPassword(currentpassword, known?.passwordHash ?? ''))) {
        throw new ApiError(
          errorCode.parameter,
          'Parameter currentpassword is not the password of this user.',
        );
      }
    }
    await setPassword(db, user.username, readPassword(password));
    await recordEvent(db, {
      type: 'USER.UPDATE',
      description: `The password of user '${user.username}' was changed`,
      userUuid: caller.userUuid,
      accountUuid: caller.accountUuid,
      resourceType: 'User',
      resourceUuid: user.uuid,
    });
    return answerOne('user', USER, [user], caller);
  },
});
