/** Finds the user who calls, by signature or by session. */
import { randomBytes } from 'node:crypto';
import { findByApiKey, openSecretKey, type User } from '../../db/accounts/accounts.ts';
import type { ApiDependencies } from './command.ts';
import { tokenOf } from './cookies.ts';
import { unauthorized } from './errors.ts';
import type { SentParameters } from './request.ts';
import { requireSession } from './session.ts';
import { isInTime, isSignedWith, pretendToVerify } from './signature.ts';

/** Verified when the API key is unknown, so that such a call takes as long as one with a wrong signature. */
const NOBODYS_SECRET = randomBytes(64).toString('base64url');

/**
 * @param recent whether it is enough that the session was valid a moment ago
 * @throws ApiError 401, the same for every reason, so that a caller learns nothing about users and keys
 */
export async function authenticate(
  dependencies: ApiDependencies,
  sent: SentParameters,
  cookies: string | undefined,
  recent: boolean,
): Promise<User> {
  const key = sent.get('sessionkey');
  const isSigned = Boolean(sent.get('apiKey')) || Boolean(sent.get('signature'));
  return isSigned || !key
    ? authenticateByKey(dependencies, sent)
    : requireSession(dependencies, { token: tokenOf(cookies), key }, recent);
}

async function authenticateByKey(
  { db, masterKey, now }: ApiDependencies,
  sent: SentParameters,
): Promise<User> {
  const apiKey = sent.get('apiKey');
  // PostgreSQL refuses texts with a NUL; no key has one.
  const known = apiKey === undefined || apiKey.includes('\0') ? undefined : await findByApiKey(db, apiKey);
  if (known === undefined) {
    pretendToVerify(NOBODYS_SECRET, sent);
    throw unauthorized();
  }
  const secretKey = await openSecretKey(masterKey, known);
  if (!isSignedWith(secretKey, sent) || !isInTime(sent, now())) throw unauthorized();
  return known.user;
}
