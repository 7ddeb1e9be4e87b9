/** The key of a row by its UUID, as an expression of SQL; null where there is no such row. */
import { type RawBuilder, sql } from 'kysely';
import type { Tables } from './tables.ts';

export const rowId = (table: keyof Tables, uuid: string): RawBuilder<number> =>
  sql<number>`(select id from ${sql.table(table)} where uuid = ${uuid})`;
