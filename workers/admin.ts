/** Creates an administrator in the database, since nobody can call the API before the first one exists. */
import { createAdmin } from '../db/accounts/accounts.ts';
import { AlreadyExists } from '../db/errors.ts';
import { createMasterKey } from '../trust/master-key.ts';
import { connectDatabase } from './database.ts';
import { StartError } from './start-error.ts';
import type { Settings } from './settings.ts';

/** `bypass admin create`: creates an administrator, and the master key when there is none, and prints the keys once. */
export async function run(
  settings: Settings,
  options: { readonly name: string; readonly json?: boolean },
): Promise<void> {
  const db = await connectDatabase(settings);
  try {
    const masterKey = await createMasterKey(settings.required('masterKeyFile'));
    const admin = await createAdmin(db, masterKey, { username: options.name });
    const { username: user, password, apiKey: apikey, secretKey: secretkey } = admin;
    const credentials = { user, password, apikey, secretkey };
    const lines = Object.entries(credentials).map(([name, value]) => `${name} ${value}\n`);
    process.stdout.write(options.json === true ? `${JSON.stringify(credentials)}\n` : lines.join(''));
  } catch (error) {
    if (error instanceof AlreadyExists) throw new StartError(`${error.message}: choose another name`);
    throw error;
  } finally {
    await db.destroy();
  }
}
