import { sql } from 'kysely';
import { openDbLab } from '../labs/db.ts';
import type { DbLab } from '../labs/db.ts';

let lab: DbLab;
beforeAll(async () => {
  lab = await openDbLab();
});
afterAll(() => lab.close());

/** On one connection, since each has its own. */
const onOneConnection = <T>(work: (db: DbLab['db']) => Promise<T>): Promise<T> =>
  lab.db.connection().execute(work);

const prepared = async (db: DbLab['db'], word: string): Promise<number> => {
  const { rows } = await sql`
    select from pg_prepared_statements where strpos(statement, ${word}) > 0 and strpos(statement, 'pg_') = 0`.execute(
    db,
  );
  return rows.length;
};

test('a statement with parameters is prepared once on a connection', async () => {
  await onOneConnection(async (db) => {
    const names: string[] = [];
    for (const name of ['one', 'two', 'one']) {
      const { rows } = await sql<{ shown: string }>`select ${name}::text as shown`.execute(db);
      names.push(rows[0]?.shown ?? '');
    }
    expect(names).toEqual(['one', 'two', 'one']);
    expect(await prepared(db, 'as shown')).toBe(1);
  });
});

test('while a migration adds a column, statements go on, with and without named columns', async () => {
  await sql`create table growing (id integer, a integer)`.execute(lab.db);
  await sql`insert into growing values (1, 2)`.execute(lab.db);
  await onOneConnection(async (db) => {
    const all = () => sql`select * from growing where id = ${1}`.execute(db);
    const table = () => sql`select growing.* from growing where id = ${1}`.execute(db);
    const changed = () => sql`update growing set a = 3 where id = ${1} returning *`.execute(db);
    const named = () => sql`select id, a from growing where id = ${1}`.execute(db);
    for (const read of [all, table, changed, named]) await read();
    await sql`alter table growing add column b integer default 7`.execute(lab.db);
    for (const read of [all, table, changed]) expect((await read()).rows).toEqual([{ id: 1, a: 3, b: 7 }]);
    expect((await named()).rows).toEqual([{ id: 1, a: 3 }]);
    expect(await prepared(db, 'growing')).toBe(1);
  });
});
