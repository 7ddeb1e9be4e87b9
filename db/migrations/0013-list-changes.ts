/** Changes of what lists count are written down, so that the same need not be counted again until there is one. */
import { type Kysely, sql } from 'kysely';

/** Table and columns → whose count they are of. */
const NOTED = [
  [
    'vm_template',
    'insert or delete or update of state, removed, public, featured, account_id, name, display_text, bootable, format',
    'template',
  ],
  ['template_zone_ref', 'insert or delete or update', 'template'],
  ['launch_permission', 'insert or delete or update', 'template'],
  ['resource_tag', 'insert or delete or update', 'template'],
  ['template_spool_ref', 'insert or delete or update of state', 'copy'],
  ['event', 'insert or delete', 'event'],
] as const;

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of [
    `create table list_change (id uuid primary key default gen_random_uuid(), subject text not null)`,
    `create function note_change() returns trigger language plpgsql as $$
      begin
        insert into list_change (subject) values (tg_argv[0]);
        return null;
      end $$`,
    ...NOTED.map(
      ([table, changes, subject]) =>
        `create trigger note_change after ${changes} on ${table}
          for each statement execute function note_change('${subject}')`,
    ),
    `insert into list_change (subject) values ('template'), ('copy'), ('event')`,
  ]) {
    await sql.raw(statement).execute(db);
  }
}
