import { randomBytes } from 'node:crypto';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { openDatabase } from '../../db/database.ts';
import type { Database } from '../../db/database.ts';
import { migrateToLatest } from '../../db/migrate.ts';
import { PROJECT_ROOT } from '../../platform/installation.ts';
import { freshDatabase } from '../support/postgres.ts';
import type { TestDatabase } from '../support/postgres.ts';

const RELEASED = join(PROJECT_ROOT, 'db/migrations');

let database: TestDatabase;
/** The migrations of this release, to which tests add their own. */
let folder: string;
beforeEach(async () => {
  database = await freshDatabase();
  folder = await mkdtemp(join(tmpdir(), 'bypass-migrations-'));
  await cp(RELEASED, folder, { recursive: true });
});
afterEach(async () => {
  await database.close();
  await rm(folder, { recursive: true });
});

const applied = async (): Promise<readonly string[]> => {
  const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(
    database.db,
  );
  return rows.map(({ name }) => name);
};

/** Adds the next migrations to the folder, in this order. @returns their file names */
async function addMigrations(...statements: readonly string[]): Promise<readonly string[]> {
  const before = (await applied()).length;
  const names = statements.map((_, index) => `${String(before + index + 1).padStart(4, '0')}-made-up.sql`);
  for (const [index, name] of names.entries()) await writeFile(join(folder, name), statements[index] ?? '');
  return names;
}

const rowsOf = async (table: string): Promise<readonly unknown[]> =>
  (await sql`select * from ${sql.table(table)}`.execute(database.db)).rows;

const tableExists = async (table: string): Promise<boolean> => {
  const { rows } = await sql<{ exists: boolean }>`
    select to_regclass(${table}) is not null as exists`.execute(database.db);
  return rows[0]?.exists ?? false;
};

const CREATE = 'create table made_up (n integer); insert into made_up values (1);';

test('new migrations are applied to an existing database in the order of their numbers, each once', async () => {
  const before = await applied();
  const names = await addMigrations(
    CREATE,
    'alter table made_up add column text text not null default $$;$$;',
  );
  await migrateToLatest(database.db, folder);
  await migrateToLatest(database.db, folder);
  expect(await applied()).toEqual([...before, ...names]);
  expect(await rowsOf('made_up')).toEqual([{ n: 1, text: ';' }]);
});

test('processes that start at once apply a migration once', async () => {
  const names = await addMigrations(`${CREATE} select pg_sleep(0.2);`);
  const processes: readonly Database[] = Array.from({ length: 5 }, () =>
    openDatabase(database.url, { maxConnections: 2 }),
  );
  await Promise.all(processes.map((db) => migrateToLatest(db, folder)));
  await Promise.all(processes.map((db) => db.destroy()));
  expect(await rowsOf('made_up')).toEqual([{ n: 1 }]);
  expect(await applied()).toEqual(expect.arrayContaining([...names]));
});

test('processes that start at once make an empty database', async () => {
  const empty = await freshDatabase({ empty: true });
  try {
    const processes = Array.from({ length: 5 }, () => openDatabase(empty.url, { maxConnections: 2 }));
    await Promise.all(processes.map((db) => migrateToLatest(db)));
    await Promise.all(processes.map((db) => db.destroy()));
    expect(await empty.db.selectFrom('list_change').selectAll().execute()).toHaveLength(3);
  } finally {
    await empty.close();
  }
});

test('a migration that fails is named, and leaves the schema as it was, also that of the ones before it', async () => {
  const before = await applied();
  const [, failing = ''] = await addMigrations(
    CREATE,
    'insert into made_up values (2); select no_such_thing;',
  );
  await expect(migrateToLatest(database.db, folder)).rejects.toThrow(
    `Migration ${failing} failed: column "no_such_thing" does not exist`,
  );
  expect(await applied()).toEqual(before);
  expect(await tableExists('made_up')).toBe(false);

  await writeFile(join(folder, failing), 'insert into made_up values (2);');
  await migrateToLatest(database.db, folder);
  expect(await rowsOf('made_up')).toEqual([{ n: 1 }, { n: 2 }]);
});

test.each([['0001-twin.sql'], ['0099-after-a-gap.sql'], ['no-number.sql'], ['0002-no-sql.ts']])(
  'a folder of migrations with %s in it is refused by that name',
  async (name) => {
    await writeFile(join(folder, name), '');
    await expect(migrateToLatest(database.db, folder)).rejects.toThrow(/is not named as the next migration/);
  },
);

test('a database that was made before the first release is refused with what to do', async () => {
  const empty = await freshDatabase({ empty: true });
  try {
    await sql`create table kysely_migration (name text primary key, timestamp text)`.execute(empty.db);
    await sql`insert into kysely_migration values ('0001-initial', ''), ('0002-compression', '')`.execute(
      empty.db,
    );
    await expect(migrateToLatest(empty.db)).rejects.toThrow(
      /made before the first release of Bypass, .* drop it .*npm start: rm -rf \.bypass/,
    );
    expect(
      (await sql`select from pg_tables where schemaname = 'public'`.execute(empty.db)).rows,
    ).toHaveLength(1);
  } finally {
    await empty.close();
  }
});

test('a database of a newer release is refused with the migration that is not known', async () => {
  const [name = ''] = await addMigrations(CREATE);
  await migrateToLatest(database.db, folder);
  await expect(migrateToLatest(database.db)).rejects.toThrow(
    `newer than this program, which does not know its migration ${name}`,
  );
});

test('where the module pg_trgm cannot be had, the schema is made without its index', async () => {
  const empty = await freshDatabase({ empty: true });
  const role = `limited_${randomBytes(4).toString('hex')}`;
  const name = sql.id(role);
  await sql`create role ${name} login password ${sql.lit(role)}`.execute(empty.db);
  await sql`grant usage, create on schema public to ${name}`.execute(empty.db);
  const limited = openDatabase(Object.assign(new URL(empty.url), { username: role, password: role }).href);
  try {
    await migrateToLatest(limited);
    const indexes = sql<{ name: string }>`
      select indexname as name from pg_indexes where tablename = 'event' and schemaname = 'public'`;
    const names = (await indexes.execute(limited)).rows.map((row) => row.name);
    expect(names).toContain('event_counted');
    expect(names).not.toContain('event_words');
  } finally {
    await limited.destroy();
    await sql`drop owned by ${name}`.execute(empty.db);
    await sql`drop role ${name}`.execute(empty.db);
    await empty.close();
  }
});
