import { type Kysely, sql } from 'kysely';

/** Tags of storage pools, by which people tell them apart. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table storage_pool add column tags text[] not null default '{}'`.execute(db);
}
