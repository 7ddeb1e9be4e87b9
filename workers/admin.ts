/** Administrators: the first one, before anybody can call the API. */
import { AlreadyExists, createAdmin } from '../db/accounts.ts';
import { createMasterKey } from '../trust/master-key.ts';
import { connectDatabase } from './database.ts';
import { StartError } from './runtime.ts';
import type { Settings } from './settings.ts';

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
