import { type Kysely, sql } from 'kysely';

/** Templates whose file is packed. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table vm_template
      add column compression text check (compression in ('gzip', 'bzip2', 'xz', 'zstd', 'zip')),
      add column unpacked_size bigint not null default 0`.execute(db);
}
