/**
 * The keystore of one host: the certificates that it trusts for downloads, beside those of the system. A file of its
 * own, which no other program writes, with a password that was made for it.
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
  /** `entryDigest`. */
  readonly digest: string;
}

export interface KeystoreContent {
  /** Changes with the file. */
  readonly version: string;
  readonly entries: readonly StoredEntry[];
}

export interface Keystore {
  readonly path: string;
  /**
   * What lies there now; nothing where there is no file. Reads the file only when it has changed.
   * @throws KeystoreDamaged
   */
  read(): Promise<KeystoreContent>;
  /** Whole or not at all. */
  write(entries: readonly KeystoreEntry[]): Promise<void>;
}

const PASSWORD_BYTES = 24;

/** May be opened by several threads, of which one writes. */
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

/** Every writing makes another file; '' where there is none. */
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
