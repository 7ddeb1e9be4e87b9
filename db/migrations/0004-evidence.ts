import { type Kysely, sql } from 'kysely';

/** What inspections have found: of a copy's file, of one that was refused, and of what was seen at a URL. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const table of ['template_spool_ref', 'download_attempt', 'template_mirror']) {
    await sql`alter table ${sql.table(table)} add column evidence jsonb`.execute(db);
  }
}
