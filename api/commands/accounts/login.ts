import { findByName, type User } from '../../../db/accounts/accounts.ts';
import { openSession } from '../../../db/accounts/sessions.ts';
import { QueueFull } from '../../../model/fair-queue.ts';
import { DUMMY_HASH, verifyPassword } from '../../../trust/passwords.ts';
import { setCookies } from '../../server/cookies.ts';
import { definePublicCommand, type PublicContext } from '../../server/public-command.ts';
import { apiCodes } from '../../../model/api-codes.ts';
import { ApiError, badParameter, tooManyFailures } from '../../server/errors.ts';
import { required, text } from '../../fields/parameters.ts';
import { integer, render, type Shape, string } from '../../fields/response.ts';
import { ROOT_DOMAIN } from '../../fields/answers/domain.ts';

interface Session {
  readonly user: User;
  readonly key: string;
  readonly idle: number;
}

const SESSION: Shape<Session> = {
  username: string('the name of the user', ({ user }) => user.username),
  userid: string('the id of the user', ({ user }) => user.userUuid),
  account: string('the name of the account', ({ user }) => user.accountName),
  domainid: string('the id of the domain', () => ROOT_DOMAIN.id),
  type: string('1 for an administrator, 0 for a user', ({ user }) => (user.role === 'admin' ? '1' : '0')),
  timeout: integer('seconds after which a session that is not used ends', ({ idle }) => idle),
  sessionkey: string('to be sent with each call, as parameter sessionkey', ({ key }) => key),
};

export const login = definePublicCommand({
  name: 'login',
  description: 'Opens a session with a name and a password, by POST. Ends by logout, or when it is not used.',
  parameters: {
    username: required(text('the name of the user')),
    password: required(text('the password')),
    domain: text('the path of the domain; there is only ROOT, which is /'),
  },
  isPostOnly: true,
  response: SESSION,
  async run(context, { username, password, domain }) {
    const { db, sessionIdle: idle, secure, logins, address, log } = context;
    if (!/^\/?(?:root)?\/?$/i.test(domain ?? '')) throw badParameter('domain', 'must be ROOT, or absent.');
    const caller = `${username.toLowerCase()} ${address}`;
    const wait = await logins.take(caller);
    if (wait > 0) throw tooManyFailures(wait);
    const user = await identify(context, username, password).catch(async (error: unknown) => {
      // A login that the full queue refused checked no password, so it is no failed guess.
      if (error instanceof QueueFull) await logins.giveBack(caller);
      throw error;
    });
    if (user === undefined) {
      log.warn({ username, address }, 'a login failed');
      throw new ApiError(
        apiCodes.permission,
        'The name or the password is wrong; see to both, and log in again.',
      );
    }
    await logins.giveBack(caller);
    const secrets = await openSession(db, user.userId);
    return {
      answer: render(SESSION, { user, key: secrets.key, idle }, user),
      cookies: setCookies(secrets, secure),
    };
  },
});

async function identify(
  { db, address }: PublicContext,
  username: string,
  password: string,
): Promise<User | undefined> {
  // PostgreSQL refuses texts with a NUL; no name has one.
  const found = await findByName(db, username);
  const isRight = await verifyPassword(password, found?.passwordHash ?? DUMMY_HASH, address);
  if (isRight && found?.mayCall === false) {
    throw new ApiError(
      apiCodes.permission,
      `User '${username}' or the account is disabled or locked; an administrator can enable it.`,
    );
  }
  return isRight ? found?.user : undefined;
}
