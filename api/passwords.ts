/** Passwords as they are given: long enough, and otherwise whatever people like. */
import { badParameter } from './errors.ts';

const LEAST = 8;

export function readPassword(password: string): string {
  if (password.length >= LEAST) return password;
  throw badParameter('password', `is too short; give ${LEAST} characters or more.`);
}
