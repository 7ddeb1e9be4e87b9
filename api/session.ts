/** Who calls by a session: the cookie says which, and the parameter that the call was meant. */
import type { User } from '../db/accounts.ts';
import { findSession } from '../db/sessions.ts';
import type { ApiDependencies } from './command.ts';
import { unauthorized } from './errors.ts';

/** Longer ones are nobody's. */
const SECRET = /^[\w-]{1,100}$/;

/** @throws ApiError 401 when there is no such session, or it is over */
export async function requireSession(
  { db, sessionIdle }: Pick<ApiDependencies, 'db' | 'sessionIdle'>,
  { token, key }: { readonly token: string | undefined; readonly key: string | undefined },
): Promise<User> {
  if (token === undefined || key === undefined || !SECRET.test(token) || !SECRET.test(key))
    throw unauthorized();
  const user = await findSession(db, { token, key }, sessionIdle);
  if (user === undefined) throw unauthorized();
  return user;
}
