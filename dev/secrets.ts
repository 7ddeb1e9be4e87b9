/** The credentials of the first administrator, in a file of the data folder that only its owner can read. */
import { randomBytes } from 'node:crypto';
import { areKeysOf, createAdmin, findByName, renewKeys, setPassword } from '../db/accounts/accounts.ts';
import type { Database } from '../db/database.ts';
import { message, readJson, text } from '../model/messages/schema.ts';
import type { MasterKey } from '../trust/master-key.ts';
import { readSecretFile } from '../trust/secret-file.ts';
import { replaceFile } from '../platform/replace-file.ts';

export interface AdminKeys {
  readonly adminUser: string;
  readonly adminPassword: string;
  readonly apiKey: string;
  readonly secretKey: string;
}

const adminKeys = message<AdminKeys>({
  adminUser: text(),
  adminPassword: text(),
  apiKey: text(),
  secretKey: text(),
});

const ADMIN = 'admin';
const PASSWORD_BYTES = 18;

/** Creates the administrator at the first start. Later starts read the keys from the file, or renew them without it. */
export async function ensureAdminKeys(db: Database, masterKey: MasterKey, file: string): Promise<AdminKeys> {
  const kept = await readKept(file);
  if (kept !== undefined && (await areKeysOf(db, masterKey, { ...kept, username: ADMIN }))) return kept;
  const adminPassword = randomBytes(PASSWORD_BYTES).toString('base64url');
  const known = await findByName(db, ADMIN);
  // A start that is killed before it writes the file leaves keys that nobody knows: they are renewed.
  const { apiKey, secretKey } =
    known === undefined
      ? await createAdmin(db, masterKey, { username: ADMIN, password: adminPassword })
      : await renewKeys(db, masterKey, { id: known.user.userId, uuid: known.user.userUuid });
  if (known !== undefined) await setPassword(db, ADMIN, adminPassword);
  const admin: AdminKeys = { adminUser: ADMIN, adminPassword, apiKey, secretKey };
  await replaceFile(file, `${JSON.stringify(admin, undefined, 2)}\n`);
  return admin;
}

async function readKept(file: string): Promise<AdminKeys | undefined> {
  return readJson(adminKeys, await readSecretFile(file)).value;
}
