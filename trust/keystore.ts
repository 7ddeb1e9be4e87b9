/**
 * The keystore of a host: the certificates that its downloads trust besides those of the system, and client keys. It is a
 * PKCS#12 file in the state folder, with a generated password in a second file; no other program writes them.
 *
 * Several threads may open the keystore, but only one writes. A write replaces the file as a whole. A read compares inode,
 * time and size with the last read and parses the file only when they differ, so that every connection may call it. What
 * must never happen: that a reader sees half of a keystore, or takes a damaged or unreadable one for an empty one. A damaged
 * file is an error (KeystoreDamaged); only a missing file is empty.
 */
import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { KeystoreEntry } from '../model/certificate.ts';
import { entryDigest } from './certificates.ts';
import { KeystoreDamaged, readPkcs12, writePkcs12 } from './pkcs12.ts';
import { createSecretFile, readSecretBytes, readSecretFile, replaceSecretFile } from './secret-file.ts';

export { KeystoreDamaged } from './pkcs12.ts';

export interface StoredEntry extends KeystoreEntry {
  /** Digest by `entryDigest`. */
  readonly digest: string;
}

export interface KeystoreContent {
  /** Changes with each write of the file; empty when there is no file. */
  readonly version: string;
  readonly entries: readonly StoredEntry[];
}

export interface Keystore {
  readonly path: string;
  /**
   * The current content; without entries when there is no file. Reads the file only when it has changed.
   * @throws KeystoreDamaged when the file or its password is damaged, missing or unreadable
   */
  read(): Promise<KeystoreContent>;
  /** Replaces the whole content. @throws SecretFileError, after which the old content stays */
  write(entries: readonly KeystoreEntry[]): Promise<void>;
}

const PASSWORD_BYTES = 24;

/** Several threads may open a keystore, but only one may write it. */
export function openKeystore(stateDir: string): Keystore {
  const path = join(stateDir, 'certificates.p12');
  const passwordPath = join(stateDir, 'certificates.password');
  let latest: KeystoreContent = { version: '', entries: [] };

  return {
    path,
    async read() {
      const version = await versionOf(path);
      if (version !== latest.version) latest = { version, entries: await load(path, passwordPath) };
      return latest;
    },
    async write(entries) {
      await replaceSecretFile(path, writePkcs12(entries, await passwordFor(passwordPath)));
    },
  };
}

/** Identifies the file, since every write creates another one; '' when there is none. */
async function versionOf(path: string): Promise<string> {
  try {
    const { ino, mtimeNs, size } = await stat(path, { bigint: true });
    return `${ino}:${mtimeNs}:${size}`;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

async function load(path: string, passwordPath: string): Promise<readonly StoredEntry[]> {
  try {
    const file = await readSecretBytes(path);
    if (file === undefined) return [];
    const password = await readSecretFile(passwordPath);
    if (password === undefined) throw new KeystoreDamaged(`its password is missing (${passwordPath})`);
    return readPkcs12(file, password.trim()).map((entry) => ({
      ...entry,
      digest: entryDigest(entry.certificates, entry.client?.certificates),
    }));
  } catch (error) {
    throw new KeystoreDamaged(`the keystore ${path} cannot be used: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

async function passwordFor(path: string): Promise<string> {
  const known = (await readSecretFile(path))?.trim();
  if (known !== undefined && known !== '') return known;
  const made = `${randomBytes(PASSWORD_BYTES).toString('base64url')}\n`;
  if (known === '') await replaceSecretFile(path, made);
  else await createSecretFile(path, made);
  return (await readSecretFile(path))?.trim() ?? '';
}
