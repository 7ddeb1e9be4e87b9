import { type Kysely, sql } from 'kysely';

/** Who else may use a template, tags of templates and ISOs, and how many templates an account may have. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table launch_permission (
      template_id bigint not null references vm_template on delete cascade,
      account_id bigint not null references account on delete cascade,
      created timestamptz not null default now(),
      primary key (template_id, account_id))`.execute(db);
  await sql`create index launch_permission_account on launch_permission (account_id)`.execute(db);
  await sql`
    create table resource_tag (
      id bigint generated always as identity primary key,
      uuid uuid not null unique default gen_random_uuid(),
      template_id bigint not null references vm_template on delete cascade,
      key text not null,
      value text not null,
      created timestamptz not null default now(),
      unique (template_id, key))`.execute(db);
  await sql`create index resource_tag_key on resource_tag (key, value)`.execute(db);
  await sql`alter table account add column template_limit integer check (template_limit >= 0)`.execute(db);
}
