import { randomBytes } from 'node:crypto';
import { findByName, type User } from '../../db/accounts.ts';
import { openSession } from '../../db/sessions.ts';
import { hashPassword, verifyPassword } from '../../trust/passwords.ts';
import { setCookies } from '../cookies.ts';
import { defineDoor, type DoorContext } from '../door.ts';
import { ApiError, badParameter, errorCode } from '../errors.ts';
import { required, text } from '../parameters.ts';
import { integer, render, type Shape, string } from '../response.ts';
import { ROOT_DOMAIN } from '../responses/domain.ts';

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

/** What a wrong name is compared with, so that it takes as long as a wrong password. */
const NOBODYS_HASH = hashPassword(randomBytes(16).toString('base64url'));

export const login = defineDoor({
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
    const wait = logins.take(`${username.toLowerCase()} ${address}`);
    if (wait > 0) throw tooMany(wait);
    const user = await identify(context, username, password);
    if (user === undefined) {
      log.warn({ username, address }, 'a login failed');
      throw new ApiError(
        errorCode.permission,
        'The name or the password is wrong; see to both, and log in again.',
      );
    }
    logins.giveBack(`${username.toLowerCase()} ${address}`);
    const secrets = await openSession(db, user.userId);
    return {
      answer: render(SESSION, { user, key: secrets.key, idle }, user),
      cookies: setCookies(secrets, secure),
    };
  },
});

async function identify({ db }: DoorContext, username: string, password: string): Promise<User | undefined> {
  // PostgreSQL takes no NUL in a text; parameters have none.
  const found = await findByName(db, username);
  const isRight = await verifyPassword(password, found?.passwordHash ?? (await NOBODYS_HASH));
  return isRight ? found?.user : undefined;
}

const tooMany = (wait: number): ApiError =>
  new ApiError(
    errorCode.limit,
    `Too many failed logins with this name; try again in ${Math.ceil(wait / 1000)} s.`,
    { retryAfterMs: wait },
  );
