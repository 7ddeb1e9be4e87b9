/** Small files that hold keys: whole or absent, and for their owner only. */
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, chown, link, lstat, open, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Group may read (a service user beside root), nobody else anything. */
const TOO_OPEN = 0o027;

export class SecretFileError extends Error {}

/**
 * The text of a file, or undefined when there is none.
 * @throws SecretFileError when others than its owner and group can get at it
 */
export const readSecretFile = async (path: string): Promise<string | undefined> =>
  (await readSecretBytes(path))?.toString('utf8');

/** The same for what is not text. */
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
 * Makes a file of mode 0600 that must not exist yet. Under its name it is there completely or not at all.
 * @returns false when there is one already; that one stays
 */
export async function createSecretFile(path: string, text: string): Promise<boolean> {
  const temporary = await writeBeside(path, text);
  try {
    await link(temporary, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await unlink(temporary);
  }
  await syncFolder(dirname(path));
  return true;
}

/**
 * Puts a file in the place of whatever has the name: readers see the old one or the new one. It keeps owner and mode of
 * the one that is there, but for what others could do with that.
 */
export async function replaceSecretFile(path: string, content: string | Uint8Array): Promise<void> {
  const temporary = await writeBeside(path, content);
  try {
    await takeAfter(path, temporary);
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw new SecretFileError(`${path} cannot be replaced (${(error as Error).message})`, { cause: error });
  }
  await syncFolder(dirname(path));
}

/** Owner and mode; where there is nothing to take after, it stays as it was made. */
async function takeAfter(path: string, temporary: string): Promise<void> {
  const before = await lstat(path).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  });
  if (before === undefined) return;
  await chown(temporary, before.uid, before.gid);
  await chmod(temporary, before.mode & 0o777 & ~TOO_OPEN);
}

/** @returns the name of a new file beside it, whole and on disk */
async function writeBeside(path: string, content: string | Uint8Array): Promise<string> {
  const temporary = `${path}.${randomUUID()}`;
  const file = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600).catch(
    (error: unknown) => {
      throw new SecretFileError(`${path} cannot be made (${(error as Error).message})`, { cause: error });
    },
  );
  try {
    await file.writeFile(content);
    await file.sync();
    return temporary;
  } catch (error) {
    await unlink(temporary);
    throw error;
  } finally {
    await file.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
