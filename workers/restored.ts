/** `bypass admin restored`: settles a restored database by hand, where upkeep cannot see that it was restored. */
import { noteRestored } from '../db/restored.ts';
import { connectDatabase } from './database.ts';
import type { Settings } from './settings.ts';

export async function run(settings: Settings): Promise<void> {
  const db = await connectDatabase(settings);
  try {
    process.stdout.write(`${await noteRestored(db)}\n`);
  } finally {
    await db.destroy();
  }
}
