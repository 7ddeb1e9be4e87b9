import { findByName, setPassword, updateUser as writeUser } from '../../../db/accounts/accounts.ts';
import { AlreadyExists } from '../../../db/errors.ts';
import { recordCallerEvent } from '../../server/caller-event.ts';
import type { UserListRow } from '../../../db/accounts/listing.ts';
import { verifyPassword } from '../../../trust/passwords.ts';
import { type CommandContext, defineCommand, EVERYBODY } from '../../server/command.ts';
import { badParameter, forbiddenParameter, tooManyFailures } from '../../server/errors.ts';
import { id, name, required, text } from '../../fields/parameters.ts';
import { readPassword } from '../../fields/passwords.ts';
import { answerOne } from '../../fields/response.ts';
import { USER } from '../../fields/answers/account.ts';
import { personalDetails, personalParameters, userNamed } from './users.ts';

export const updateUser = defineCommand({
  name: 'updateUser',
  description:
    'Changes what is known of a user, or the password. Users change their own, and give the one they have.',
  roles: EVERYBODY,
  parameters: {
    id: required(id('the user')),
    username: name('another name; for administrators'),
    password: text('the new password: 8 characters or more'),
    currentpassword: text(
      'the password that is good now, where there is a new one; administrators may leave it out for others',
    ),
    ...personalParameters,
  },
  object: 'user',
  response: USER,
  async run(context, { id: given, username, password, currentpassword = '', ...personal }) {
    const { db, caller } = context;
    const user = await userNamed(context, 'id', given);
    const changes = { username, ...personalDetails(personal) };
    if (username !== undefined) requireMayRename(context);
    if (password !== undefined) await changePassword(context, user, { password, currentpassword });
    if (Object.values(changes).some((value) => value !== undefined)) {
      await writeUser(db, user.id, changes).catch((error: unknown) => {
        throw error instanceof AlreadyExists
          ? badParameter('username', `is taken: ${error.message}.`)
          : error;
      });
      await recordUpdate(context, user, `User '${user.username}' was changed`);
    }
    return answerOne('user', USER, [await userNamed(context, 'id', given)], caller);
  },
});

function requireMayRename({ caller }: CommandContext): void {
  if (caller.role === 'admin') return;
  throw forbiddenParameter('username', 'is given, which only administrators may change; leave it out.');
}

async function changePassword(
  context: CommandContext,
  user: UserListRow,
  { password, currentpassword }: { readonly password: string; readonly currentpassword: string },
): Promise<void> {
  const { db, caller, sessions } = context;
  if (caller.role !== 'admin' || user.uuid === caller.userUuid) {
    await requireCurrent(context, user, currentpassword);
  }
  await setPassword(db, user.username, readPassword(password));
  sessions.forgetUsers([user.uuid]);
  await recordUpdate(context, user, `The password of user '${user.username}' was changed`);
}

/**
 * Wrong passwords count against the limit of failed logins: a stolen session or key must not help to guess the password.
 * @throws ApiError 431 for a wrong password, 429 after too many
 */
async function requireCurrent(
  { db, logins }: CommandContext,
  { uuid, username }: UserListRow,
  password: string,
): Promise<void> {
  const guessed = `currentpassword of ${uuid}`;
  const wait = await logins.take(guessed);
  if (wait > 0) throw tooManyFailures(wait);
  const known = await findByName(db, username);
  if (!(await verifyPassword(password, known?.passwordHash ?? ''))) {
    throw badParameter('currentpassword', 'is not the password of this user.');
  }
  await logins.giveBack(guessed);
}

const recordUpdate = (
  { db, caller }: CommandContext,
  user: UserListRow,
  description: string,
): Promise<void> =>
  recordCallerEvent(
    { db, caller },
    {
      type: 'USER.UPDATE',
      description,
      resourceType: 'User',
      resourceUuid: user.uuid,
    },
  );
