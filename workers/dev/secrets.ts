/** What opens the new installation: the first administrator, kept in the data folder for its owner only. */
import { randomBytes } from 'node:crypto';
import { readKeys, createAdmin, setPassword } from '../../db/accounts.ts';
import type { Database } from '../../db/database.ts';
import type { MasterKey } from '../../trust/master-key.ts';
import { readSecretFile } from '../../trust/secret-file.ts';
import { replaceFile } from './replace-file.ts';

export interface AdminKeys {
  readonly adminUser: string;
  readonly adminPassword: string;
  readonly apiKey: string;
  readonly secretKey: string;
}

const ADMIN = 'admin';
const PASSWORD_BYTES = 18;

/** Makes the administrator at the first start; later ones find the keys in the database and the password in the file. */
export async function ensureAdminKeys(db: Database, masterKey: MasterKey, file: string): Promise<AdminKeys> {
  const kept = await readKept(file);
  const keys = await readKeys(db, masterKey, ADMIN);
  if (keys !== undefined && kept?.apiKey === keys.apiKey && kept.secretKey === keys.secretKey) return kept;
  const password = randomBytes(PASSWORD_BYTES).toString('base64url');
  // Between these two steps a start may be killed; the next one finds the keys without a password, and sets another.
  const made = keys ?? (await createAdmin(db, masterKey, { username: ADMIN, password }));
  if (keys !== undefined) await setPassword(db, ADMIN, password);
  const admin: AdminKeys = {
    adminUser: ADMIN,
    adminPassword: password,
    apiKey: made.apiKey,
    secretKey: made.secretKey,
  };
  await replaceFile(file, `${JSON.stringify(admin, undefined, 2)}\n`);
  return admin;
}

async function readKept(file: string): Promise<AdminKeys | undefined> {
  const text = await readSecretFile(file);
  try {
    return text === undefined ? undefined : (JSON.parse(text) as AdminKeys);
  } catch {
    return undefined;
  }
}
