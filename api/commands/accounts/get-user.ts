import { listUsers } from '../../../db/accounts/listing.ts';
import { ADMINS, defineCommand } from '../../server/command.ts';
import { badParameter } from '../../server/errors.ts';
import { required, text } from '../../fields/parameters.ts';
import { answerOne } from '../../fields/response.ts';
import { USER } from '../../fields/answers/account.ts';

export const getUser = defineCommand({
  name: 'getUser',
  description: 'Finds a user by his API key.',
  roles: ADMINS,
  parameters: { userapikey: required(text('the API key')) },
  object: 'user',
  response: USER,
  async run({ db, caller }, { userapikey }) {
    const { rows } = await listUsers(db, { apiKey: userapikey }, { limit: 1, offset: 0 });
    if (rows.length === 0)
      throw badParameter('userapikey', 'is the key of no user; list them with listUsers.');
    return answerOne('user', USER, rows, caller);
  },
});
