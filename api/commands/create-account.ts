import { AlreadyExists, createUser } from '../../db/accounts.ts';
import { recordEvent } from '../../db/events.ts';
import { listAccounts, listUsers } from '../../db/listings/accounts.ts';
import { ADMINS, defineCommand } from '../command.ts';
import { badParameter } from '../errors.ts';
import { choice, name, required, text } from '../parameters.ts';
import { readPassword } from '../passwords.ts';
import { answerOne } from '../response.ts';
import { ACCOUNT } from '../responses/account.ts';

export const createAccount = defineCommand({
  name: 'createAccount',
  description: 'Makes an account with one user of the same name. His keys are made with registerUserKeys.',
  roles: ADMINS,
  parameters: {
    username: required(name('the name of the user, and of the account')),
    password: required(text('the password: 8 characters or more')),
    accounttype: choice('1 for administrators, 0 for users; 0 when absent', ['0', '1']),
    account: name('the name of the account: the same as that of the user'),
    email: text('taken for the sake of other clients'),
    firstname: text('taken for the sake of other clients'),
    lastname: text('taken for the sake of other clients'),
    domainid: text('taken for the sake of other clients; there is one domain'),
  },
  object: 'account',
  response: ACCOUNT,
  async run({ db, masterKey, caller }, { username, password, accounttype, account }) {
    if (account !== undefined && account !== username) {
      throw badParameter('account', 'must be the same as username: an account has one user here.');
    }
    try {
      await createUser(
        db,
        masterKey,
        { username, password: readPassword(password) },
        accounttype === '1' ? 'admin' : 'user',
      );
    } catch (error) {
      if (error instanceof AlreadyExists) throw badParameter('username', `cannot be used: ${error.message}.`);
      throw error;
    }
    const { rows } = await listAccounts(db, { name: username }, { limit: 1, offset: 0 });
    const users = await listUsers(db, { username }, { limit: 1, offset: 0 });
    await recordEvent(db, {
      type: 'ACCOUNT.CREATE',
      description: `Account '${username}' was made`,
      userUuid: caller.userUuid,
      accountUuid: caller.accountUuid,
      resourceType: 'Account',
      resourceUuid: rows[0]?.uuid ?? '',
    });
    return answerOne(
      'account',
      ACCOUNT,
      rows.map((row) => ({ ...row, users: users.rows })),
      caller,
    );
  },
});
