import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { migrateToLatest } from '../../db/migrate.ts';
import { describeSchema, rowsOf, tablesOf } from '../support/schema.ts';
import { freshDatabase } from '../support/postgres.ts';
import type { TestDatabase } from '../support/postgres.ts';

const FOLDER = join(__dirname, 'schemas');
const RECORDED = readdirSync(FOLDER).filter((name) => name.endsWith('.sql'));

let old: TestDatabase;
let fresh: TestDatabase;
beforeEach(async () => {
  [old, fresh] = [await freshDatabase({ empty: true }), await freshDatabase()];
});
afterEach(() => Promise.all([old.close(), fresh.close()]));

async function load(name: string): Promise<void> {
  const client = new Client({ connectionString: old.url });
  await client.connect();
  try {
    await client.query(await readFile(join(FOLDER, name), 'utf8'));
  } finally {
    await client.end();
  }
}

test('the schema of the first release is recorded', () => {
  expect(RECORDED).toContain('0001-initial.sql');
});

test.each(RECORDED)('a database of %s is upgraded to the newest schema and keeps its rows', async (name) => {
  await load(name);
  const tables = await tablesOf(old.db);
  const before = await Promise.all(tables.map((table) => rowsOf(old.db, table)));
  await migrateToLatest(old.db);
  expect(await describeSchema(old.db)).toEqual(await describeSchema(fresh.db));
  for (const [index, table] of tables.entries()) {
    const after = await rowsOf(old.db, table);
    if (table === 'kysely_migration')
      expect(after).toEqual(expect.arrayContaining([...(before[index] ?? [])]));
    else expect({ table, rows: after }).toMatchObject({ table, rows: before[index] ?? [] });
  }
});
