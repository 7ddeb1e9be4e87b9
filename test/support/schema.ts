/** A database described by its catalogs, and its rows, for tests that compare databases. */
import { sql } from 'kysely';
import type { Database } from '../../db/database.ts';

/** One line for each column, constraint, index, trigger, function and sequence; the order of columns does not count. */
export async function describeSchema(db: Database): Promise<readonly string[]> {
  const { rows } = await sql<{ line: string }>`
    select concat_ws(' ', 'column', table_name || '.' || column_name, udt_name, is_nullable, column_default,
      identity_generation) as line
    from information_schema.columns where table_schema = 'public'
    union all
    select concat_ws(' ', 'constraint', conrelid::regclass, conname, pg_get_constraintdef(oid))
    from pg_constraint where connamespace = 'public'::regnamespace
    union all
    select concat_ws(' ', 'index', indexdef) from pg_indexes where schemaname = 'public'
    union all
    select concat_ws(' ', 'trigger', pg_get_triggerdef(oid), tgenabled) from pg_trigger where not tgisinternal
    union all
    select concat_ws(' ', 'function', pg_get_functiondef(oid)) from pg_proc where pronamespace = 'public'::regnamespace
    union all
    select concat_ws(' ', 'sequence', sequencename, data_type, increment_by) from pg_sequences where schemaname = 'public'
    order by line`.execute(db);
  return rows.map(({ line }) => line);
}

export async function tablesOf(db: Database): Promise<readonly string[]> {
  const { rows } = await sql<{ name: string }>`
    select tablename as name from pg_tables where schemaname = 'public' order by name`.execute(db);
  return rows.map(({ name }) => name);
}

type Rows = readonly Readonly<Record<string, unknown>>[];

/** All rows of a table, as JSON, in a stable order. */
export async function rowsOf(db: Database, table: string): Promise<Rows> {
  const { rows } = await sql<{ row: Rows[number] }>`
    select to_jsonb(t) as row from ${sql.table(table)} t order by to_jsonb(t)::text`.execute(db);
  return rows.map(({ row }) => row);
}
