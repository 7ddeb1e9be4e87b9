/** Passwords: only their length is checked. */
import { badParameter } from '../server/errors.ts';

const MIN_LENGTH = 8;

export function readPassword(password: string): string {
  if (password.length >= MIN_LENGTH) return password;
  throw badParameter('password', `is too short; give ${MIN_LENGTH} characters or more.`);
}
