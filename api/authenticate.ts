/** Who calls. */
import { randomBytes } from 'node:crypto';
import { findByApiKey, openSecretKey, type User } from '../db/accounts.ts';
import type { ApiDependencies } from './command.ts';
import { tokenOf } from './cookies.ts';
import { unauthorized } from './errors.ts';
import type { Given } from './request.ts';
import { requireSession } from './session.ts';
import { isInTime, isSignedWith } from './signature.ts';

/** For a key that nobody has: it is refused after the same work. */
const NOBODYS_SECRET = randomBytes(64).toString('base64url');

/**
 * @param recent whether it is enough that a session was good a moment ago
 * @throws ApiError 401, the same whatever is wrong
 */
export async function authenticate(
  dependencies: ApiDependencies,
  given: Given,
  cookies: string | undefined,
  recent: boolean,
): Promise<User> {
  const key = given.get('sessionkey');
  const isSigned = given.get('apiKey') !== undefined || given.get('signature') !== undefined;
  return isSigned || key === undefined
    ? authenticateByKey(dependencies, given)
    : requireSession(dependencies, { token: tokenOf(cookies), key }, recent);
}

async function authenticateByKey({ db, masterKey, now }: ApiDependencies, given: Given): Promise<User> {
  const apiKey = given.get('apiKey');
  // PostgreSQL takes no NUL in a text; no key has one.
  const known = apiKey === undefined || apiKey.includes('\0') ? undefined : await findByApiKey(db, apiKey);
  const secretKey =
    known === undefined ? NOBODYS_SECRET : await openSecretKey(masterKey, known.sealedSecretKey);
  if (!isSignedWith(secretKey, given) || known === undefined || !isInTime(given, now())) throw unauthorized();
  return known.user;
}
