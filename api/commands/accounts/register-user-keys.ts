import { renewKeys } from '../../../db/accounts/accounts.ts';
import { recordCallerEvent } from '../../server/caller-event.ts';
import { defineCommand, EVERYBODY } from '../../server/command.ts';
import { id, required } from '../../fields/parameters.ts';
import { USER_KEYS } from '../../fields/answers/account.ts';
import { answerOne } from '../../fields/response.ts';
import { userNamed } from './users.ts';

export const registerUserKeys = defineCommand({
  name: 'registerUserKeys',
  description: 'Gives a user new keys; the old ones are no longer good. Users renew their own.',
  roles: EVERYBODY,
  parameters: { id: required(id('the user')) },
  object: 'userkeys',
  response: USER_KEYS,
  async run(context, values) {
    const { db, masterKey, caller } = context;
    const user = await userNamed(context, 'id', values.id);
    const keys = await renewKeys(db, masterKey, user);
    await recordCallerEvent(
      { db, caller },
      {
        type: 'REGISTER.USER.KEY',
        description: `User '${user.username}' got new keys`,
        resourceType: 'User',
        resourceUuid: user.uuid,
      },
    );
    return answerOne('userkeys', USER_KEYS, [keys], caller);
  },
});
