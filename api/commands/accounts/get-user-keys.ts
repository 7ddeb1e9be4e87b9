import { KeyNotKept, keysOf } from '../../../db/accounts/accounts.ts';
import { recordCallerEvent } from '../../server/caller-event.ts';
import { defineCommand, EVERYBODY } from '../../server/command.ts';
import { badParameter, noSuchEntity } from '../../server/errors.ts';
import { id, required } from '../../fields/parameters.ts';
import { USER_KEYS } from '../../fields/answers/account.ts';
import { answerOne } from '../../fields/response.ts';
import { userNamed } from './users.ts';

export const getUserKeys = defineCommand({
  name: 'getUserKeys',
  since: '0.2.0',
  description: 'Tells the keys of a user, and records that in an event. Users see their own.',
  roles: EVERYBODY,
  parameters: { id: required(id('the user')) },
  object: 'userkeys',
  response: USER_KEYS,
  async run(context, values) {
    const { db, masterKey, caller } = context;
    const user = await userNamed(context, 'id', values.id);
    if (caller.role !== 'admin' && user.uuid !== caller.userUuid)
      throw noSuchEntity(context.command, 'id', values.id);
    const keys = await keysOf(db, masterKey, user.id).catch((error: unknown) => {
      throw error instanceof KeyNotKept
        ? badParameter(
            'id',
            `is user '${user.username}', of whose API key an earlier release kept the hash alone; registerUserKeys makes new keys.`,
          )
        : error;
    });
    await recordCallerEvent(
      { db, caller },
      {
        type: 'USER.KEYS.READ',
        description: `The keys of user '${user.username}' were read`,
        resourceType: 'User',
        resourceUuid: user.uuid,
      },
    );
    return answerOne('userkeys', USER_KEYS, [keys ?? {}], caller);
  },
});
