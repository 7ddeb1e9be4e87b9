/**
 * Templates are listed in the order in which they could be had first, so that one that was begun earlier and is ready
 * later comes last: pages that somebody is reading do not shift.
 */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of [
    `create sequence vm_template_listed`,
    `alter table vm_template add column listed bigint`,
    `update vm_template set listed = id where state <> 'NotUploaded'`,
    `select setval('vm_template_listed', (select coalesce(max(id), 0) + 1 from vm_template))`,
    `create index vm_template_listed_shown on vm_template (listed, id) where removed is null`,
    // Numbers are given one commit after another: who reads never sees a higher one before a lower one.
    `create function list_template() returns trigger language plpgsql as $$
      begin
        perform pg_advisory_xact_lock(hashtextextended('vm_template.listed', 0));
        update vm_template set listed = nextval('vm_template_listed') where id = new.id and listed is null;
        return null;
      end $$`,
    // At the commit, so that nobody waits for the rest of another's transaction.
    `create constraint trigger list_template after insert or update of state on vm_template
      deferrable initially deferred for each row
      when (new.state = 'Active' and new.listed is null) execute function list_template()`,
  ]) {
    await sql.raw(statement).execute(db);
  }
}
