import { createAccount as insertAccount, type Role } from '../../../db/accounts/accounts.ts';
import { AlreadyExists } from '../../../db/errors.ts';
import { recordCallerEvent } from '../../server/caller-event.ts';
import { listUsers } from '../../../db/accounts/listing.ts';
import { accountView } from './accounts.ts';
import { ADMINS, type CommandContext, defineCommand } from '../../server/command.ts';
import { entity } from '../../fields/entities.ts';
import { badParameter } from '../../server/errors.ts';
import { checkDomain } from '../../fields/owners.ts';
import { choice, id, name, required, text } from '../../fields/parameters.ts';
import { readPassword } from '../../fields/passwords.ts';
import { answerOne } from '../../fields/response.ts';
import { ACCOUNT, roleOf } from '../../fields/answers/account.ts';
import { ROLES } from '../../fields/answers/role.ts';
import { personalDetails, personalParameters } from './users.ts';

export const createAccount = defineCommand({
  name: 'createAccount',
  description: 'Makes an account with one user, whose keys are made with registerUserKeys.',
  roles: ADMINS,
  parameters: {
    username: required(name('the name of the user')),
    password: required(text('the password: 8 characters or more')),
    accounttype: choice('1 for administrators, 0 for users; 0 when absent', ['0', '1']),
    roleid: id('the role, instead of accounttype'),
    account: name('the name of the account; that of the user when absent'),
    domainid: id('the domain; there is one, ROOT'),
    ...personalParameters,
  },
  object: 'account',
  response: ACCOUNT,
  async run(
    context,
    { username, password, account: accountName, accounttype, roleid, domainid, ...personal },
  ) {
    const { db, masterKey, caller } = context;
    await checkDomain(context, domainid);
    const role = roleid === undefined ? roleOf(accounttype ?? '0') : await roleNamed(context, roleid);
    const made = await insertAccount(
      db,
      masterKey,
      { username, account: accountName, ...personalDetails(personal), password: readPassword(password) },
      role ?? 'user',
    ).catch((error: unknown) => {
      throw error instanceof AlreadyExists
        ? badParameter('username', `cannot be used: ${error.message}.`)
        : error;
    });
    const { rows } = await listUsers(db, { username: made.username }, { limit: 1, offset: 0 });
    const account = await accountView(context, rows[0]?.account_uuid ?? '');
    await recordCallerEvent(
      { db, caller },
      {
        type: 'ACCOUNT.CREATE',
        description: `Account '${account.account_name}' was made`,
        resourceType: 'Account',
        resourceUuid: account.uuid,
      },
    );
    return answerOne('account', ACCOUNT, [account], caller);
  },
});

const roleNamed = (context: CommandContext, roleid: string): Promise<Role> =>
  entity(context, 'roleid', roleid, (uuid) =>
    Promise.resolve(Object.values(ROLES).find(({ id: known }) => known === uuid)?.role),
  );
