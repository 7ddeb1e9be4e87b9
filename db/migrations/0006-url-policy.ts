import { type Kysely, sql } from 'kysely';

/** Settings of the installation, and of a zone instead of these. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table configuration (
      name text primary key,
      value text not null,
      updated timestamptz not null default now())`.execute(db);
  await sql`
    create table data_center_details (
      id bigint generated always as identity primary key,
      data_center_id bigint not null references data_center,
      name text not null,
      value text not null,
      unique (data_center_id, name))`.execute(db);
}
