import { type Kysely, sql } from 'kysely';

/** Sessions of people who logged in. Only hashes are kept: who reads the table cannot go on with a session. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table session (
      id bigint generated always as identity primary key,
      token_hash text not null unique,
      key_hash text not null,
      user_id bigint not null references "user" on delete cascade,
      created timestamptz not null default now(),
      last_used timestamptz not null default now())`.execute(db);
  await sql`create index session_of_user on session (user_id)`.execute(db);
}
