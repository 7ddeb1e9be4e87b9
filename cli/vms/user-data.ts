/** Reads user data for the first boot of a machine. */
import { readFile } from 'node:fs/promises';
import { UsageError } from '../errors.ts';

/** @returns the content as base64, as the api takes it */
export async function readUserData(file: string): Promise<string> {
  const content = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`the user data in ${file} cannot be read (${error.code ?? error.message})`);
  });
  if (content.length === 0) throw new UsageError(`the user data in ${file} is empty`);
  return content.toString('base64');
}
