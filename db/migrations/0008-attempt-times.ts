import { type Kysely, sql } from 'kysely';

/** What was fetched lately is asked for by every open page. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create index download_attempt_ended on download_attempt (ended)`.execute(db);
}
