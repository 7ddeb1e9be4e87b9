/** Small files with secrets: written as a whole, and readable by their owner only. */
import { constants } from 'node:fs';
import { chmod, chown, lstat, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createFile, replaceFile, syncFolder } from '../platform/replace-file.ts';

/** Forbidden bits: the group may read, for a service that does not run as root; others have no access. */
const TOO_OPEN = 0o027;

export class SecretFileError extends Error {}

/**
 * The text of a file, or undefined when there is none.
 * @throws SecretFileError when users other than its owner and group have access to it
 */
export const readSecretFile = async (path: string): Promise<string | undefined> =>
  (await readSecretBytes(path))?.toString('utf8');

/** The bytes of a secret file, under the same rules. */
export async function readSecretBytes(path: string): Promise<Buffer | undefined> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch((error: unknown) => {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    throw new SecretFileError(`${path} cannot be read (${message})`, { cause: error });
  });
  if (file === undefined) return undefined;
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw new SecretFileError(`${path} is not a regular file`);
    if ((stat.mode & TOO_OPEN) !== 0) {
      const mode = (stat.mode & 0o777).toString(8).padStart(4, '0');
      throw new SecretFileError(`${path} has mode ${mode}, so that others can get at its key: chmod 0600 it`);
    }
    return await file.readFile();
  } finally {
    await file.close();
  }
}

/**
 * Makes a file of mode 0600. A file that exists is left alone.
 * @returns false when the path exists already
 */
export const createSecretFile = (path: string, text: string): Promise<boolean> =>
  createFile(path, text).catch((error: unknown) => {
    throw new SecretFileError(`${path} cannot be made (${(error as Error).message})`, { cause: error });
  });

/**
 * Replaces a file durably: readers see the old content or the new one. The new file gets the owner and the mode of the
 * old one, except for rights of other users.
 */
export async function replaceSecretFile(path: string, content: string | Uint8Array): Promise<void> {
  try {
    await replaceFile(path, content, { prepare: (draft) => copyOwnerAndMode(path, draft) });
    await syncFolder(dirname(path));
  } catch (error) {
    throw new SecretFileError(`${path} cannot be replaced (${(error as Error).message})`, { cause: error });
  }
}

/** Without an old file, the draft keeps its owner and mode. */
async function copyOwnerAndMode(path: string, draft: string): Promise<void> {
  const before = await lstat(path).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  });
  if (before === undefined) return;
  await chown(draft, before.uid, before.gid);
  await chmod(draft, before.mode & 0o777 & ~TOO_OPEN);
}
