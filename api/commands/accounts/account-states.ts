/** What the commands that enable, disable and lock users and accounts share. */
import { setAccountState, setUserState } from '../../../db/accounts/account-states.ts';
import { recordCallerEvent } from '../../server/caller-event.ts';
import type { AccountListRow } from '../../../db/accounts/listing.ts';
import type { AccountState } from '../../../db/accounts/tables.ts';
import { accountAsked, accountParameters, accountView, requireOtherAccount } from './accounts.ts';
import { ADMINS, type Command, type CommandContext, defineCommand } from '../../server/command.ts';
import { instantJob } from '../../server/instant-job.ts';
import { id, required } from '../../fields/parameters.ts';
import { type Answer, answerOne, JOB, render } from '../../fields/response.ts';
import { ACCOUNT, USER } from '../../fields/answers/account.ts';
import { requireOtherUser, userNamed } from './users.ts';

const EVENT: Readonly<Record<AccountState, string>> = {
  enabled: 'ENABLE',
  disabled: 'DISABLE',
  locked: 'LOCK',
};

export const userStateCommand = (definition: {
  readonly name: string;
  readonly description: string;
  readonly state: AccountState;
  readonly isAsync?: true;
}): Command =>
  defineCommand({
    name: definition.name,
    since: '0.2.0',
    description: definition.description,
    isAsync: definition.isAsync ?? false,
    roles: ADMINS,
    parameters: { id: required(id('the user')) },
    ...(definition.isAsync ? { response: JOB } : { object: 'user', response: USER }),
    async run(context, values) {
      const { db, caller, sessions } = context;
      const { state, isAsync } = definition;
      const user = await userNamed(context, 'id', values.id);
      if (state !== 'enabled') requireOtherUser(context, user);
      sessions.forgetUsers(await setUserState(db, user.id, state));
      await recordCallerEvent(
        { db, caller },
        {
          type: `USER.${EVENT[state]}`,
          description: `User '${user.username}' was ${state}`,
          resourceType: 'User',
          resourceUuid: user.uuid,
        },
      );
      const answer = answerOne('user', USER, [{ ...user, state }], caller);
      if (isAsync !== true) return answer;
      const jobid = await instantJob(context, { type: 'User', uuid: user.uuid }, answer);
      return render(JOB, { jobid }, caller);
    },
  });

export const accountStateCommand = (definition: {
  readonly name: string;
  readonly description: string;
  readonly state: AccountState;
}): Command =>
  defineCommand({
    name: definition.name,
    since: '0.2.0',
    description: definition.description,
    roles: ADMINS,
    parameters: accountParameters,
    object: 'account',
    response: ACCOUNT,
    run: async (context, values) =>
      changeAccountState(context, await accountAsked(context, values), definition.state),
  });

/** Changes the state of an account. Disabling or locking it ends the sessions of its users at once. */
export async function changeAccountState(
  context: CommandContext,
  account: AccountListRow,
  state: AccountState,
): Promise<Answer> {
  const { db, caller, sessions } = context;
  if (state !== 'enabled') requireOtherAccount(context, account);
  sessions.forgetUsers(await setAccountState(db, account.id, state));
  await recordCallerEvent(
    { db, caller },
    {
      type: `ACCOUNT.${EVENT[state]}`,
      description: `Account '${account.account_name}' was ${state}`,
      resourceType: 'Account',
      resourceUuid: account.uuid,
    },
  );
  return answerOne('account', ACCOUNT, [await accountView(context, account.uuid)], caller);
}
