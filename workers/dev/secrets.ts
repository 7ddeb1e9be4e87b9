/** What opens the new installation: the first administrator, kept in the data folder for its owner only. */
import { randomBytes } from 'node:crypto';
import { areKeysOf, createAdmin, findByName, renewKeys, setPassword } from '../../db/accounts.ts';
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

/** Makes the administrator at the first start. Later ones find the keys in the file; when they are not there, new ones. */
export async function ensureAdminKeys(db: Database, masterKey: MasterKey, file: string): Promise<AdminKeys> {
  const kept = await readKept(file);
  if (kept !== undefined && (await areKeysOf(db, masterKey, { ...kept, username: ADMIN }))) return kept;
  const adminPassword = randomBytes(PASSWORD_BYTES).toString('base64url');
  const known = await findByName(db, ADMIN);
  // A start that is killed before it has written the file leaves keys that nobody knows.
  const { apiKey, secretKey } =
    known === undefined
      ? await createAdmin(db, masterKey, { username: ADMIN, password: adminPassword })
      : await renewKeys(db, masterKey, known.user.userId);
  if (known !== undefined) await setPassword(db, ADMIN, adminPassword);
  const admin: AdminKeys = { adminUser: ADMIN, adminPassword, apiKey, secretKey };
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
