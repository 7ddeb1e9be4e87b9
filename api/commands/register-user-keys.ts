import { renewKeys, type UserKeys } from '../../db/accounts.ts';
import { recordEvent } from '../../db/events.ts';
import { defineCommand, EVERYBODY } from '../command.ts';
import { id, required } from '../parameters.ts';
import { answerOne, type Shape, string } from '../response.ts';
import { userNamed } from '../users.ts';

const KEYS: Shape<UserKeys> = {
  apikey: string('the new API key', ({ apiKey }) => apiKey),
  secretkey: string('the new secret key; it is shown this once', ({ secretKey }) => secretKey),
};

export const registerUserKeys = defineCommand({
  name: 'registerUserKeys',
  description: 'Gives a user new keys; the old ones are no longer good. Users renew their own.',
  roles: EVERYBODY,
  parameters: { id: required(id('the user')) },
  object: 'userkeys',
  response: KEYS,
  async run(context, values) {
    const { db, masterKey, caller } = context;
    const user = await userNamed(context, 'id', values.id);
    const keys = await renewKeys(db, masterKey, user.id);
    await recordEvent(db, {
      type: 'REGISTER.USER.KEY',
      description: `User '${user.username}' got new keys`,
      userUuid: caller.userUuid,
      accountUuid: caller.accountUuid,
      resourceType: 'User',
      resourceUuid: user.uuid,
    });
    return answerOne('userkeys', KEYS, [keys], caller);
  },
});
