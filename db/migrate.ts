/**
 * The schema is made by the numbered SQL files in `migrations/`. Each is applied once, in the order of the numbers, and
 * recorded in the table `kysely_migration` under its file name. Those that are due are applied in one transaction, under
 * a lock of the database: several processes may start at once, and a migration that fails leaves the schema as it was.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Migration, Migrator, sql } from 'kysely';
import type { Database } from './database.ts';

const FOLDER = fileURLToPath(new URL('migrations/', import.meta.url));

/**
 * Brings the schema to the newest version.
 * @param folder of the SQL files
 * @throws Error that names the migration that failed, or says that this program cannot use the database
 */
export async function migrateToLatest(db: Database, folder = FOLDER): Promise<void> {
  const migrations = await readMigrations(folder);
  await requireKnown(db, migrations);
  const provider = { getMigrations: () => Promise.resolve(migrations) };
  const { error, results } = await new Migrator({ db, provider }).migrateToLatest();
  if (error === undefined) return;
  const failed = results?.find((result) => result.status === 'Error')?.migrationName;
  const where =
    failed === undefined ? 'The database could not be brought up to date' : `Migration ${failed} failed`;
  throw new Error(`${where}: ${(error as Error).message}`, { cause: error });
}

type Migrations = Readonly<Record<string, Migration>>;

const NAME = /^(\d{4})-[a-z0-9-]+\.sql$/;

/** @throws Error when two files have one number, when a number is left out, or when a name has none */
async function readMigrations(folder: string): Promise<Migrations> {
  const names = (await readdir(folder)).toSorted();
  const wrong = names.find((name, index) => Number(NAME.exec(name)?.[1]) !== index + 1);
  if (wrong !== undefined) {
    throw new Error(
      `${join(folder, wrong)} is not named as the next migration: number ${names.indexOf(wrong) + 1}, such as 0002-what-it-does.sql`,
    );
  }
  const read = async (name: string) =>
    [name, migrationOf(await readFile(join(folder, name), 'utf8'))] as const;
  return Object.fromEntries(await Promise.all(names.map(read)));
}

/** Without parameters, PostgreSQL takes any number of statements at once. */
const migrationOf = (statements: string): Migration => ({
  up: async (db) => void (await sql.raw(statements).execute(db)),
});

/** @throws Error when the database has had a migration that this program does not have */
async function requireKnown(db: Database, migrations: Migrations): Promise<void> {
  const unknown = (await appliedMigrations(db)).filter((name) => migrations[name] === undefined);
  const [first] = unknown;
  if (first === undefined) return;
  // Before the first release, migrations were no SQL files: their names do not end in `.sql`.
  throw new Error(
    NAME.test(first)
      ? `This database is newer than this program, which does not know its migration ${first}: start the release that made it, or a newer one`
      : 'This database was made before the first release of Bypass, and cannot be upgraded: drop it and create an empty one (for npm start: rm -rf .bypass)',
  );
}

async function appliedMigrations(db: Database): Promise<readonly string[]> {
  const { rows: tables } = await sql<{ exists: boolean }>`
    select to_regclass('kysely_migration') is not null as exists`.execute(db);
  if (tables[0]?.exists !== true) return [];
  const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(db);
  return rows.map(({ name }) => name);
}
