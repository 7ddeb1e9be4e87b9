/** Passwords come from files, never from the command line, which everybody on a machine can read. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { CliError, UsageError } from './errors.ts';

export interface GivenPassword {
  readonly password: string;
  readonly isRandom: boolean;
}

/** Reads a password. @param file `-` for standard input. Default: a random password */
export async function readPassword(file: string | undefined): Promise<GivenPassword> {
  if (file === undefined) return { password: randomBytes(18).toString('base64url'), isRandom: true };
  const text = await readFile(file === '-' ? '/dev/stdin' : file, 'utf8').catch((error: Error) => {
    throw new CliError(`the password cannot be read: ${error.message}`);
  });
  const password = text.replace(/\r?\n$/, '');
  if (password === '') throw new UsageError(`${file === '-' ? 'standard input' : file} holds no password`);
  return { password, isRandom: false };
}
