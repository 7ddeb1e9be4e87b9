/** Finds the user of a session: the cookie names the session, the parameter `sessionkey` proves that the page sent the call. */
import type { User } from '../../db/accounts/accounts.ts';
import { findSession, openTokens } from '../../db/accounts/sessions.ts';
import type { ApiDependencies } from './command.ts';
import { unauthorized } from './errors.ts';

/** The alphabet and the greatest length of tokens and keys. */
const SECRET = /^[\w-]{1,100}$/;

interface SentSecrets {
  readonly token: string | undefined;
  readonly key: string | undefined;
}

/**
 * @param recent whether it is enough that the session was valid a moment ago
 * @throws ApiError 401 when there is no such session, or it is over
 */
export async function requireSession(
  { db, sessionIdle, sessions }: Pick<ApiDependencies, 'db' | 'sessionIdle' | 'sessions'>,
  { token, key }: SentSecrets,
  recent = false,
): Promise<User> {
  if (token === undefined || key === undefined || !SECRET.test(token) || !SECRET.test(key))
    throw unauthorized();
  const secrets = { token, key };
  const recalled = recent ? await sessions.recall(secrets, (tokens) => openTokens(db, tokens)) : undefined;
  const user = recalled ?? (await sessions.lookUp(secrets, () => findSession(db, secrets, sessionIdle)));
  if (user === undefined) throw unauthorized();
  return user;
}
