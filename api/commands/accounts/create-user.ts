import { createUser as insertUser } from '../../../db/accounts/accounts.ts';
import { AlreadyExists } from '../../../db/errors.ts';
import { recordCallerEvent } from '../../server/caller-event.ts';
import { accountAsked } from './accounts.ts';
import { ADMINS, defineCommand } from '../../server/command.ts';
import { badParameter } from '../../server/errors.ts';
import { id, name, required, text } from '../../fields/parameters.ts';
import { readPassword } from '../../fields/passwords.ts';
import { answerOne } from '../../fields/response.ts';
import { USER } from '../../fields/answers/account.ts';
import { personalDetails, personalParameters, userNamed } from './users.ts';

export const createUser = defineCommand({
  name: 'createUser',
  since: '0.2.0',
  description: 'Adds a user to an account. The keys of the user are made with registerUserKeys.',
  roles: ADMINS,
  parameters: {
    username: required(name('the name of the user')),
    password: required(text('the password: 8 characters or more')),
    account: required(text('the name of the account')),
    domainid: id('the domain of that account; there is one, ROOT'),
    ...personalParameters,
  },
  object: 'user',
  response: USER,
  async run(context, { username, account: accountName, domainid, password, ...personal }) {
    const { db, caller } = context;
    const account = await accountAsked(context, { id: undefined, account: accountName, domainid });
    const uuid = await insertUser(db, account.id, {
      username,
      ...personalDetails(personal),
      password: readPassword(password),
    }).catch((error: unknown) => {
      throw error instanceof AlreadyExists ? badParameter('username', `is taken: ${error.message}.`) : error;
    });
    await recordCallerEvent(
      { db, caller },
      {
        type: 'USER.CREATE',
        description: `User '${username}' was added to account '${account.account_name}'`,
        resourceType: 'User',
        resourceUuid: uuid,
      },
    );
    return answerOne('user', USER, [await userNamed(context, 'id', uuid)], caller);
  },
});
