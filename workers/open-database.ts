/** The database as a process needs it: reachable, new enough, with the newest schema. */
import { sql } from 'kysely';
import { openDatabase } from '../db/database.ts';
import type { Database } from '../db/database.ts';
import { migrateToLatest } from '../db/migrate.ts';
import { StartError } from './runtime.ts';
import type { Settings } from './settings.ts';

/** The first with `unique nulls not distinct`. */
const OLDEST = 15;
const IN_VERSION = 10_000;

/** @throws StartError or SettingError with a sentence for the operator */
export async function openMigrated(settings: Settings, maxConnections: number): Promise<Database> {
  const url = settings.required('databaseUrl');
  const db = openDatabase(url, { maxConnections });
  try {
    await requireVersion(db, url);
    await migrateToLatest(db);
    return db;
  } catch (error) {
    await db.destroy();
    throw error instanceof StartError ? error : new StartError((error as Error).message, { cause: error });
  }
}

async function requireVersion(db: Database, url: string): Promise<void> {
  const version = await serverVersion(db, url);
  if (version >= OLDEST * IN_VERSION) return;
  throw new StartError(
    `The database at ${withoutPassword(url)} is PostgreSQL ${Math.floor(version / IN_VERSION)}: ` +
      `Bypass needs ${OLDEST} or newer`,
  );
}

/** @returns such as 150004 */
async function serverVersion(db: Database, url: string): Promise<number> {
  try {
    const { rows } = await sql<{ version: number }>`
      select current_setting('server_version_num')::integer as version`.execute(db);
    return rows[0]?.version ?? 0;
  } catch (error) {
    throw new StartError(
      `The database at ${withoutPassword(url)} cannot be used (${reason(error)}): start it, or set --database-url`,
      { cause: error },
    );
  }
}

/** A name that resolves to several addresses fails with an empty message and the reasons within. */
function reason(error: unknown): string {
  const [first] = error instanceof AggregateError ? (error.errors as Error[]) : [];
  return first?.message ?? (error as Error).message;
}

function withoutPassword(url: string): string {
  if (!URL.canParse(url)) return 'the URL given';
  const { host, pathname } = new URL(url);
  return `${host}${pathname}`;
}
