import { type Kysely, sql } from 'kysely';

/** Limits of a host that are set from outside, and those that it said are in force. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table host
      add column download_limit integer check (download_limit >= 1),
      add column rate_limit bigint check (rate_limit >= 0),
      add column limits_revision integer not null default 0,
      add column current_download_limit integer,
      add column current_rate_limit bigint`.execute(db);
}
