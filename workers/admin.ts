/** Administrators: the first one, before anybody can call the API. */
import { AlreadyExists, createAdmin, type Credentials, type NewUser, readKeys } from '../db/accounts.ts';
import type { Database } from '../db/database.ts';
import { createMasterKey, type MasterKey } from '../trust/master-key.ts';
import { connectDatabase } from './database.ts';
import { StartError } from './runtime.ts';
import type { Settings } from './settings.ts';

/** The administrator of that name: made now, or the one there is, whose password cannot be read again. */
export async function ensureAdmin(
  db: Database,
  masterKey: MasterKey,
  user: NewUser,
): Promise<Omit<Credentials, 'password'> & { readonly password?: string }> {
  return (await readKeys(db, masterKey, user.username)) ?? createAdmin(db, masterKey, user);
}

/** `bypass admin create`: makes an administrator, and the master key when there is none; prints the keys once. */
export async function run(
  settings: Settings,
  options: { readonly name: string; readonly json?: boolean },
): Promise<void> {
  const db = await connectDatabase(settings);
  try {
    const masterKey = await createMasterKey(settings.required('masterKeyFile'));
    const admin = await createAdmin(db, masterKey, { username: options.name });
    const { username: user, password, apiKey: apikey, secretKey: secretkey } = admin;
    const told = { user, password, apikey, secretkey };
    const lines = Object.entries(told).map(([what, value]) => `${what} ${value}\n`);
    process.stdout.write(options.json === true ? `${JSON.stringify(told)}\n` : lines.join(''));
  } catch (error) {
    if (error instanceof AlreadyExists) throw new StartError(`${error.message}: choose another name`);
    throw error;
  } finally {
    await db.destroy();
  }
}
