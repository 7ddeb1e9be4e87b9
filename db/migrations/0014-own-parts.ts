import { type Kysely, sql } from 'kysely';

/** Where the processes of this installation listen, and what they connect to, each as it tells it. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table own_part (
      process text not null,
      part text not null,
      seen timestamptz not null default now(),
      primary key (process, part))`.execute(db);
}
