/** Writes small files as a whole: readers see the old content or the new one, never a part. */
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { link, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

const OWNER_ONLY = 0o600;

export interface Replacement {
  /** Changes the new file before it gets its name, such as its owner and mode. Without it, the mode is 0600. */
  readonly prepare?: (draft: string) => Promise<void>;
}

/**
 * Replaces the content of a path. The bytes are on disk before the file gets its name. Call `syncFolder` afterwards to make
 * the name survive a power failure. After an error the path is unchanged, and the draft beside it is removed.
 * @throws the file system's error
 */
export async function replaceFile(
  path: string,
  content: string | Uint8Array,
  { prepare }: Replacement = {},
): Promise<void> {
  const draft = await writeDraft(path, content);
  try {
    await prepare?.(draft);
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

/**
 * Creates a file of mode 0600, durably. An existing file is left unchanged.
 * @returns false when the path exists already
 */
export async function createFile(path: string, content: string | Uint8Array): Promise<boolean> {
  const draft = await writeDraft(path, content);
  try {
    await link(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
  await syncFolder(dirname(path));
  return true;
}

/** Makes the names in a folder durable. Call it after files in the folder were created, renamed or removed. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** The draft has a random name, and an existing file of that name is never opened. @returns the path of the draft */
async function writeDraft(path: string, content: string | Uint8Array): Promise<string> {
  const draft = `${path}.${randomUUID()}.new`;
  const file = await open(draft, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, OWNER_ONLY);
  try {
    await file.writeFile(content);
    await file.sync();
    return draft;
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  } finally {
    await file.close();
  }
}
