/** Small files that hold keys: whole or absent, and for their owner only. */
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { link, lstat, open, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Group may read (a service user beside root), nobody else anything. */
const TOO_OPEN = 0o027;

export class SecretFileError extends Error {}

/**
 * The text of a file, or undefined when there is none.
 * @throws SecretFileError when others than its owner and group can get at it
 */
export async function readSecretFile(path: string): Promise<string | undefined> {
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
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

/**
 * Makes a file of mode 0600 that must not exist yet. Under its name it is there completely or not at all.
 * @returns false when there is one already; that one stays
 */
export async function createSecretFile(path: string, text: string): Promise<boolean> {
  const temporary = `${path}.${randomUUID()}`;
  const file = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600).catch(
    (error: unknown) => {
      throw new SecretFileError(`${path} cannot be made (${(error as Error).message})`, { cause: error });
    },
  );
  try {
    await file.writeFile(text);
    await file.sync();
    await link(temporary, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await file.close();
    await unlink(temporary);
  }
  await syncFolder(dirname(path));
  return true;
}

/** Replaces a file that is there; it keeps its owner and mode. Readers see the old text or the new one. */
export async function replaceSecretFile(path: string, text: string): Promise<void> {
  const { mode, uid, gid } = await lstat(path);
  const temporary = `${path}.${randomUUID()}`;
  const file = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
  try {
    await file.writeFile(text);
    await file.chown(uid, gid);
    await file.chmod(mode & 0o777);
    await file.sync();
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw new SecretFileError(`${path} cannot be replaced (${(error as Error).message})`, { cause: error });
  } finally {
    await file.close();
  }
  await syncFolder(dirname(path));
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
