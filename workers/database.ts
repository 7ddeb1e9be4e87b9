/** Connects to PostgreSQL for api and control worker, checks its version and migrates the schema. */
import { sql } from 'kysely';
import { type Database, openDatabase } from '../db/database.ts';
import { migrateToLatest } from '../db/migrate.ts';
import { StartError } from './start-error.ts';
import { label, type Settings } from './settings.ts';

const OLDEST_MAJOR = 15;
/** PostgreSQL's version number is major × 10,000 + minor. */
const MAJOR = 10_000;

/**
 * Opens the database of the settings and brings its schema up to date.
 * @throws StartError when PostgreSQL does not answer or is too old, or a migration fails; SettingError without a URL
 */
export async function connectDatabase(settings: Settings): Promise<Database> {
  const url = settings.required('databaseUrl');
  const shown = displayDatabase(url);
  const db = openDatabase(url);
  try {
    await requireVersion(db, shown);
    await migrateToLatest(db).catch((error: unknown) => {
      throw new StartError(`${(error as Error).message} (PostgreSQL at ${shown})`, { cause: error });
    });
    return db;
  } catch (error) {
    await db.destroy();
    throw error;
  }
}

async function requireVersion(db: Database, shown: string): Promise<void> {
  const { rows } = await sql<{ number: number; name: string }>`
    select current_setting('server_version_num')::integer as number, current_setting('server_version') as name`
    .execute(db)
    .catch((error: unknown) => {
      throw new StartError(
        `PostgreSQL does not answer at ${shown} (${reason(error)}): start it, or correct ${label('databaseUrl')}`,
        { cause: error },
      );
    });
  const [version] = rows;
  if (version !== undefined && version.number >= OLDEST_MAJOR * MAJOR) return;
  throw new StartError(
    `PostgreSQL at ${shown} is version ${version?.name ?? 'unknown'}; Bypass needs ${OLDEST_MAJOR} or newer`,
  );
}

/** When Node has tried several addresses, its error has a code but no message. */
function reason(error: unknown): string {
  const { message, code } = error as NodeJS.ErrnoException;
  return message || (code ?? 'for an unknown reason');
}

/** Host and database of the URL, without user name and password. */
function displayDatabase(url: string): string {
  if (!URL.canParse(url)) return 'the given address';
  const { host, pathname } = new URL(url);
  return `${host}${pathname}`;
}
