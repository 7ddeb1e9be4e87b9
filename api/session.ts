/** Who calls by a session: the cookie says which, and the parameter that the call was meant. */
import type { User } from '../db/accounts.ts';
import { findSession } from '../db/sessions.ts';
import type { ApiDependencies } from './command.ts';
import { unauthorized } from './errors.ts';

/** Longer ones are nobody's. */
const SECRET = /^[\w-]{1,100}$/;

export interface SessionGiven {
  readonly token: string | undefined;
  readonly key: string | undefined;
}

/**
 * @param recent whether it is enough that the session was good a moment ago
 * @throws ApiError 401 when there is no such session, or it is over
 */
export async function requireSession(
  { db, sessionIdle, sessions }: Pick<ApiDependencies, 'db' | 'sessionIdle' | 'sessions'>,
  { token, key }: SessionGiven,
  recent = false,
): Promise<User> {
  if (token === undefined || key === undefined || !SECRET.test(token) || !SECRET.test(key))
    throw unauthorized();
  const recalled = recent ? sessions.recall({ token, key }) : undefined;
  const user = recalled ?? (await findSession(db, { token, key }, sessionIdle));
  if (user === undefined) throw unauthorized();
  if (recalled === undefined) sessions.keep({ token, key }, user);
  return user;
}
